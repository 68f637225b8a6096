"""flask staff, flask organisation: readable, the same functions as elsewhere, one sentence on failure."""

import json

import pytest
from sqlalchemy.exc import OperationalError

from app.factory import create_app
from identity import staff_tokens
from tests.support.staff import id_number, organisation, person

pytestmark = pytest.mark.usefixtures("db_clean")


@pytest.fixture(scope="module")
def flask_app(servers):
    return create_app()


@pytest.fixture
def run(flask_app):
    def command(*words: str, stdin: str | None = None):
        return flask_app.test_cli_runner().invoke(args=words, input=stdin, catch_exceptions=False)

    return command


def add(run, *more: str, stdin: str | None = None):
    organisation()
    return run(
        "staff", "add", "--organisation", "data-bureau", "--role", "approver", "--name", "张三",
        "--id-number-file", "-", *more, stdin=stdin or f"{id_number()}\n",
    )  # fmt: skip


def test_adding_shows_the_token_and_the_authenticator_once(run):
    done = add(run)
    assert done.exit_code == 0, done.stderr
    shown = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert staff_tokens.principal_from(shown["token"]).staff_id == shown["staff_id"]
    assert shown["totp_uri"].startswith("otpauth://totp/")
    assert shown["scopes"] == "approvals:read approvals:write messages:read services:read"
    assert "shown this once" in done.stderr
    assert shown["token"] not in run("staff", "list").stdout


def test_json_is_one_object_for_scripts(run):
    shown = json.loads(add(run, "--json", "--scope", "approvals:read", "--days", "7").stdout)
    assert shown["scopes"] == ["approvals:read"]
    assert shown["role"] == "approver"


def test_the_id_number_can_be_typed_unseen(run):
    organisation()
    number = id_number()
    done = run(
        "staff", "add", "--organisation", "data-bureau", "--role", "auditor", "--name", "李四", stdin=f"{number}\n"
    )
    assert done.exit_code == 0
    assert number not in done.output


@pytest.mark.parametrize(
    ("words", "stdin", "says"),
    [
        (["--role", "root"], None, "'root' is not one of"),
        (["--organisation", "nowhere"], None, "no such organisation"),
        (["--role", "integrator"], None, "role does not fit"),
        ([], "123456", "[id_number: shape]"),
        (["--scope", "services:write"], None, "[scopes: choice]"),
        (["--days", "400"], None, "400 is not in the range"),
    ],
)
def test_a_mistake_is_one_sentence_and_no_traceback(run, words, stdin, says):
    done = add(run, *words, stdin=stdin)
    assert done.exit_code != 0
    assert says in done.stderr
    assert done.stderr.count("Error:") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_id_number_on_the_command_line_is_no_option(run):
    assert run("staff", "add", "--id-number", id_number()).exit_code == 2


def test_a_second_token_and_its_revocation(run):
    who = person("operator")
    shown = json.loads(run("staff", "token", who.staff_id, "--json").stdout)
    assert staff_tokens.principal_from(shown["token"])
    assert "two live tokens" in run("staff", "token", who.staff_id).stderr
    assert run("staff", "revoke", shown["token_id"]).exit_code == 0
    assert staff_tokens.principal_from(shown["token"]) is None
    assert run("staff", "revoke", shown["token_id"]).exit_code == 1


def test_a_new_authenticator(run):
    who = person("operator")
    done = run("staff", "totp", who.staff_id)
    assert "otpauth://totp/" in done.stdout
    assert who.secret not in done.stdout


def test_suspending_and_resuming(run):
    who = person("operator")
    assert run("staff", "suspend", who.staff_id).exit_code == 0
    assert staff_tokens.principal_from(who.token) is None
    assert "suspended" in run("staff", "list").stdout
    assert run("staff", "resume", who.staff_id).exit_code == 0
    assert staff_tokens.principal_from(who.token)
    unknown = run("staff", "suspend", "sf_nobody")
    assert (unknown.exit_code, "no such staff account" in unknown.stderr) == (1, True)


def test_the_list_shows_tokens_without_their_text(run):
    who = person("operator")
    who.principal()
    shown = run("staff", "list").stdout
    assert who.token_id in shown
    assert "last used 20" in shown
    assert who.token not in shown


def test_organisations_are_added_listed_and_suspended(run):
    done = run("organisation", "add", "--slug", "acme", "--name", "某公司", "--kind", "integrator", "--json")
    assert json.loads(done.stdout)["tenant_id"] == json.loads(done.stdout)["organisation_id"]
    again = run("organisation", "add", "--slug", "acme", "--name", "某公司", "--kind", "integrator")
    assert (again.exit_code, "organisation of this slug exists" in again.stderr) == (1, True)
    developer = person("integrator", place="acme")
    assert run("organisation", "suspend", "acme").exit_code == 0
    assert staff_tokens.principal_from(developer.token) is None
    assert "suspended" in run("organisation", "list").stdout


def test_a_database_that_is_away_is_one_sentence(run, monkeypatch):
    def away():
        raise OperationalError("SELECT", {}, Exception("no route"))

    monkeypatch.setattr("handlers.cli.staff.accounts.overview", away)
    done = run("staff", "list")
    assert (done.exit_code, "DATABASE_URL" in done.stderr) == (1, True)
