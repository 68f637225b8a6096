"""What the documents name exists: routes, settings, commands, problem codes, files. A document that is wrong fails here."""

import re

import pytest

from app.factory import create_app
from app.sandbox.factory import create_sandbox
from config.problems import PROBLEMS
from config.settings import Settings, get_settings
from tests.docs.tour import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PATH = re.compile(r"(?<![\w.<>])((?:/(?:v1|ops/v1|sim/v1|callbacks))(?:/[^\s`'\"|),;?\\]+)+)")
SAID = re.compile(
    r"\b(GET|POST|PUT|PATCH|DELETE)(?:`\s*|['`,]*\s+['`]?)(/(?:v1|ops/v1|sim/v1|callbacks)/[^\s`'\"|),;?\\]+)"
)
CALLED = re.compile(r"call\('(GET|POST|PUT|DELETE)', [`'](/v1/[^`'?]+)[`']")
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")
FILE = re.compile(r"`((?:app|config|handlers|identity|notifications|tests|docs)/[A-Za-z0-9_./-]+?)(?<!\.\.)`")
SETTING = re.compile(r"\bTB_[A-Z][A-Z_]*[A-Z]\b")
TARGET = re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)
VERB = re.compile(r"flask (?:--app wsgi )?([a-z]+) ([a-z]+)")
REFUSAL = re.compile(r"\b([45]\d\d) `([a-z_]+)`")
# Named as what may be added, or as what is kept for later; the guide to a new platform calls its example acme.
NOT_YET = ("acme", "handlers/wallet", "handlers/payments", "handlers/console", "identity/acting", "notifications/carriers",
           "app/platforms/alipay")  # fmt: skip


def text_of(page):
    return page.read_text(encoding="utf-8")


def named(page):
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def rules(servers):
    """(methods, pattern) of every route of the application and of the sandbox."""
    apps = (create_app(), create_sandbox(get_settings()))
    return [(rule.methods, re.compile(as_pattern(rule.rule))) for one in apps for rule in one.url_map.iter_rules()]


def as_pattern(rule):
    """`/v1/x/<id>/call/<path:rest>` as an expression: a variable is one segment, a path variable any number."""
    parts = re.split(r"(<[^>]+>)", rule)
    return "".join(
        (".+" if part.startswith("<path:") else "[^/]+") if part[:1] == "<" else re.escape(part) for part in parts
    )


def is_routed(rules, path, method=None):
    plain = re.sub(r"\$\{?\w+\}?|\{[^}]*\}|<[^>]*>?", "x", path).removesuffix("...").rstrip(".")
    spellings = (plain.rstrip("/"), f"{plain}x")  # `/v1/services/` in a sentence about what is below it
    return any(
        pattern.fullmatch(one) and (method is None or method in methods)
        for one in spellings
        for methods, pattern in rules
    )


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_path_is_a_route(page, rules):
    paths = {path for path in PATH.findall(text_of(page)) if not any(word in path for word in NOT_YET)}
    assert sorted(path for path in paths if not is_routed(rules, path)) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_method_is_one_its_route_takes(page, rules):
    told = [*SAID.findall(text_of(page)), *CALLED.findall(text_of(page))]
    told = [(method, path) for method, path in told if not any(word in path for word in NOT_YET)]
    assert [one for one in told if not is_routed(rules, one[1], one[0])] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_and_file_exists(page):
    links = [link for link in LINK.findall(text_of(page)) if not re.match(r"[a-z]+:", link)]
    gone = [link for link in links if not (page.parent / link).exists()]
    files = [name for name in FILE.findall(text_of(page)) if not any(word in name for word in NOT_YET)]
    assert gone + [name for name in files if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_setting_is_read(page):
    known = {field.alias or f"TB_{name.upper()}" for name, field in Settings.model_fields.items()}
    assert sorted(set(SETTING.findall(text_of(page))) - known) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_exists(page):
    targets = set(
        " ".join(re.findall(r"^([a-z ]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)).split()
    )
    assert sorted(set(TARGET.findall(text_of(page))) - targets) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_exists(page, servers):
    groups = {
        name: set(group.commands) for name, group in create_app().cli.commands.items() if hasattr(group, "commands")
    }
    said = set(VERB.findall(text_of(page)))
    assert sorted((group, verb) for group, verb in said if verb not in groups.get(group, ())) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_problem_code_has_the_status_told(page):
    told = [(int(status), code) for status, code in REFUSAL.findall(text_of(page))]
    assert [one for one in told if one[1] not in PROBLEMS or PROBLEMS[one[1]].status != one[0]] == []


def test_the_pages_were_found():
    assert {"README.md", "README.zh-CN.md", "docs/mini-program.md", "docs/deploying.md"} <= set(map(named, PAGES))


def test_a_planted_mistake_is_seen(rules):
    assert not is_routed(rules, "/v1/nothing")
    assert not is_routed(rules, "/v1/me", "POST")
    assert is_routed(rules, "/v1/services/$SERVICE/call/card/status", "GET")
    assert PATH.findall("see `/v1/nothing/here`") == ["/v1/nothing/here"]
    assert SAID.findall("`POST /v1/cases`") == [("POST", "/v1/cases")]
