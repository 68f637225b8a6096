"""I6: what a caller writes is data. No text becomes SQL, a Redis command, a key or a path, wherever it is put."""

import ast
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from app.core import kv
from app.core.edge import Caller, callers
from tests.support.citizen_steps import APP
from tests.support.source import Module, module, modules

TEXTS = [
    "' OR '1'='1", "'; DROP TABLE cases; --", '" OR ""="', "1) UNION SELECT token_hash FROM sessions --", "%' --", "\\",
    "$$; SELECT pg_sleep(9); $$", "${jndi:ldap://x}", "{{7*7}}", "%s%s%n", "a\r\nDEL tb:lim", "*3\r\n$3\r\nSET", "tb:*",
    "../../etc/passwd", "`id`", "|id", "cz_*", "\u0000", "\u202e", "𠮷" * 30,
]  # fmt: skip
# Put together from column names and numbers of our own, at import or at connect; values go as parameters there too.
OUR_OWN = ("app.migrations", "app.core.db", "app.core.audit.verify", "handlers.gateway.exchanges")
STATEMENTS = {"text", "execute", "scalars", "scalar", "exec_driver_sql"}


def built(one: Module) -> Iterator[str]:
    """Statements put together from texts, where parameters belong."""
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in STATEMENTS and any(isinstance(part, ast.JoinedStr | ast.BinOp) for part in node.args[:1]):
                yield f"{one.path}:{node.lineno}"


def test_no_statement_is_put_together_from_texts():
    assert [line for one in modules() if not one.name.startswith(OUR_OWN) for line in built(one)] == []


@pytest.mark.parametrize("line", ["db.execute(f'SELECT {x}')", "text('SELECT ' + x)", "db.scalars(text('%s' % x))"])
def test_a_planted_statement_is_found(line):
    assert list(built(module("identity.x", line)))


def reads(app) -> list[str]:
    """Every GET a citizen or a mini-program may ask, with its parameters still open."""
    asked = []
    for rule in app.url_map.iter_rules():
        with app.app_context():
            caller = callers.caller_of(rule.endpoint)
        if "GET" in rule.methods and caller in (Caller.APP, Caller.CITIZEN):
            asked.append(rule.rule)
    return asked


@pytest.mark.parametrize("text", TEXTS)
def test_in_every_path_and_query_it_is_refused_or_changes_nothing(mini, citizen_app, rows, text):
    caller, asked = mini("openid-a", level=2), reads(citizen_app)
    assert len(asked) >= 8
    before = rows("SELECT count(*) FROM sessions"), rows("SELECT count(*) FROM cases")
    for rule in asked:
        path = "/".join(quote(text, safe="") if part.startswith("<") else part for part in rule.split("/"))
        plain = caller.send("GET", path)
        for name in ("cursor", "limit", "q", "region", "state"):
            answer = caller.send("GET", f"{path}?{name}={quote(text, safe='')}")
            refused = 400 <= answer.status_code < 500
            assert refused or (answer.status_code == 200 and answer.json == plain.json), (
                rule,
                name,
                answer.status_code,
            )
    assert (rows("SELECT count(*) FROM sessions"), rows("SELECT count(*) FROM cases")) == before


@pytest.mark.parametrize("text", TEXTS)
def test_in_headers_and_bodies_it_is_refused_or_stays_data(mini, citizen_app, text):
    caller = mini("openid-a", level=2)
    plain = quote(text, safe=" '\";-()*:/$&|`")  # a header cannot hold the rest
    for headers in ({"X-App": plain}, {"Authorization": f"Bearer {plain}"}, {"Idempotency-Key": plain}):
        given = {"X-App": APP, "Authorization": f"Bearer {caller.token}"} | headers
        body = {"item_code": "99-l2", "accept_region": "990000000000", "form": {}}
        answer = citizen_app.test_client().post("/v1/cases", json=body, headers=given)
        assert answer.status_code in (400, 401), headers
    filed = {"item_code": text, "accept_region": "990000000000", "form": {"reason": text}}
    answer = caller.send("POST", "/v1/cases", filed, Idempotency_Key="injected-01")
    assert 400 <= answer.status_code < 500
    assert kv.client().dbsize() == sum(1 for key in kv.client().scan_iter("tb:*") if kv.client().pttl(key) > 0)
