"""A2 for /ops: every route refuses anybody but the role it is for. Generated over the route table, so a new route is in."""

import re

import pytest

from app.core.edge import Caller, callers
from app.factory import create_app
from config.staff import SCOPES
from identity import organisations, staff, staff_tokens
from identity.staff_proof import scope_of
from tests.support.staff import Person, person

pytestmark = pytest.mark.usefixtures("db_clean")
PROOFLESS = {
    "anonymous": {},
    "empty": {"Authorization": ""},
    "a word": {"Authorization": "Bearer"},
    "nobody's token": {"Authorization": f"Bearer tbp_{'A' * 43}"},
    "a citizen's token": {"Authorization": f"Bearer tbs_{'A' * 43}", "X-App": "wechat/wx0123456789abcdef"},
    "basic": {"Authorization": "Basic dGJwXzp0YnA="},
    "not ascii": {"Authorization": "Bearer tbp_ÿÿ"},
}


@pytest.fixture(scope="module")
def flask_app(servers):
    return create_app()


def ops_routes(flask_app) -> list[tuple[str, str]]:
    """(method, rule) of every route for staff."""
    with flask_app.app_context():
        return sorted(
            (method, rule.rule)
            for rule in flask_app.url_map.iter_rules()
            if callers.caller_of(rule.endpoint) is Caller.STAFF
            for method in rule.methods - {"OPTIONS"}
        )


def called(flask_app, method: str, rule: str, headers: dict[str, str], **more):
    path = re.sub(r"<[^>]+>", "ap_00000000000000000000000000", rule)
    body = {"json": {}} if method in ("POST", "PUT", "PATCH") else {}
    return flask_app.test_client().open(path, method=method, headers=headers, **body, **more)


def test_there_are_routes_to_refuse(flask_app):
    assert ("POST", "/ops/v1/approvals/<string:approval_id>/approve") in ops_routes(flask_app)
    assert len(ops_routes(flask_app)) >= 7


@pytest.mark.parametrize("who", sorted(PROOFLESS))
def test_without_a_staff_token_every_route_answers_alike(flask_app, who):
    for method, rule in ops_routes(flask_app):
        answer = called(flask_app, method, rule, PROOFLESS[who])
        assert answer.status_code == 401, (method, rule)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ops"'
        if method != "HEAD":
            assert answer.json["code"] == "staff_unauthenticated"


@pytest.mark.parametrize("role", sorted(SCOPES))
def test_a_role_reaches_its_own_scopes_and_no_other(flask_app, role):
    who = person(role)
    for method, rule in ops_routes(flask_app):
        scope = scope_of(rule, method)
        answer = called(flask_app, method, rule, who.headers)
        if scope is None or scope in SCOPES[role]:
            assert answer.status_code not in (401, 500), (method, rule)
            assert method == "HEAD" or answer.status_code < 400 or answer.json["code"] != "scope_missing"
        else:
            assert answer.status_code == 403, (method, rule)
            assert method == "HEAD" or answer.json["code"] == "scope_missing"


def test_a_narrow_token_of_the_right_role_reaches_only_its_scopes(flask_app):
    who = person("approver", scopes=["messages:read"])
    for method, rule in ops_routes(flask_app):
        if scope_of(rule, method) not in (None, "messages:read"):
            assert called(flask_app, method, rule, who.headers).status_code == 403, (method, rule)


def suspended(who: Person) -> None:
    staff.suspend(who.staff_id, actor="test")


def suspended_with_all(_: Person) -> None:
    organisations.suspend("data-bureau", actor="test")


def revoked(who: Person) -> None:
    staff_tokens.revoke(who.token_id, actor="test")


@pytest.mark.parametrize("end", [suspended, suspended_with_all, revoked])
def test_what_was_taken_away_counts_at_the_next_request(flask_app, end):
    who = person("approver")
    assert called(flask_app, "GET", "/ops/v1/me", who.headers).status_code == 200
    end(who)
    for method, rule in ops_routes(flask_app):
        assert called(flask_app, method, rule, who.headers).status_code == 401, (method, rule)


def test_a_token_in_the_address_is_refused_even_beside_a_good_header(flask_app):
    who = person("approver")
    for name in ("access_token", "token", "Authorization"):
        answer = called(flask_app, "GET", "/ops/v1/me", who.headers, query_string={name: who.token})
        assert (answer.status_code, answer.json["code"]) == (400, "token_in_url")
        assert who.token not in answer.get_data(as_text=True)


def test_a_method_cannot_be_dressed_up_as_another(flask_app):
    who = person("auditor")
    path = "/ops/v1/approvals/ap_00000000000000000000000000/approve"
    for headers in ({"X-HTTP-Method-Override": "POST"}, {"X-Method-Override": "POST"}):
        assert flask_app.test_client().get(path, headers=who.headers | headers).status_code == 405


def test_every_route_has_a_role_that_may_use_it(flask_app):
    given = {scope for scopes in SCOPES.values() for scope in scopes}
    assert [(m, r) for m, r in ops_routes(flask_app) if scope_of(r, m) not in given | {None}] == []


def test_no_role_may_both_ask_for_an_act_and_decide_it():
    asking = {"messages:write", "services:write"}
    assert [role for role, scopes in SCOPES.items() if "approvals:write" in scopes and asking & set(scopes)] == []
