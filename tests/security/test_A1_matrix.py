"""A1, A2: objects of citizen A x everybody else, over every route of the table. B with A's name and number is nobody.

Routes and methods come from the app, so a new one is in the matrix at once; it fails here until its parameters and its
body are known to the tables below. What is asked for: no 2xx about A's object, the same 404 for a foreign id as for one
that never was, none of A's ids in any answer, and A's own view afterwards exactly as before.
"""

import re
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.edge import Caller, callers
from config.staff import SCOPES
from handlers.gateway import gate
from identity import authenticate
from identity import staff as accounts
from identity.staff_proof import scope_of
from tests.support import staff
from tests.support.citizen_steps import ELDER, LI, unique
from tests.support.whole_town import REGION, ROLES, STATUS, Town, settled, town, whole_app

__all__ = ["settled", "town", "whole_app"]

# Path parameters: A's own, the staff's, and what is public (an id everybody may know protects nothing).
PRIVATE = {
    "session_id": "ss_01h455vb4pex5vsknk084sn02q", "verification_id": "vf_01h455vb4pex5vsknk084sn02q",
    "entry_id": "ib_01h455vb4pex5vsknk084sn02q", "case_id": "cs_01h455vb4pex5vsknk084sn02q",
    "purpose": "service:sv_01h455vb4pex5vsknk084sn02q",
}  # fmt: skip
OFFICIAL = {
    "message_id": "mg_01h455vb4pex5vsknk084sn02q", "approval_id": "ap_01h455vb4pex5vsknk084sn02q",
    "version_id": "sr_01h455vb4pex5vsknk084sn02q",
}  # fmt: skip
PUBLIC = {"service_id", "path", "code", "platform", "app_id", "name"}
# Nobody's object is behind these: nothing to see, or the platform's own signature is the proof (tests of C1, C2, C7).
OBJECTLESS = (Caller.PUBLIC, Caller.PLATFORM, Caller.INTERNAL, Caller.APP)
CALL = "/v1/services/<service_id>/call/<path:path>"
LEAVES = "/v1/sessions/current"  # ends the caller's own session: last of all


@dataclass(frozen=True)
class Route:
    method: str
    rule: str
    caller: Caller

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"<(?:[^:<>]+:)?([^<>]+)>", self.rule)

    def path(self, values: dict[str, str]) -> str:
        return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda found: values[found[1]], self.rule)


def routes(app) -> list[Route]:
    """Every route, without what werkzeug adds; the call of a service is a citizen's (it proves its caller itself)."""
    with app.app_context():
        found = [
            Route(method, rule.rule, Caller.CITIZEN if rule.rule == CALL else callers.caller_of(rule.endpoint))
            for rule in app.url_map.iter_rules()
            for method in rule.methods - {"HEAD", "OPTIONS"}
        ]
    return sorted(found, key=lambda route: (route.rule == LEAVES, route.rule, route.method))


def of(app, caller: Caller) -> list[Route]:
    return [route for route in routes(app) if route.caller is caller]


def bodies(objects: dict[str, str]) -> dict[tuple[str, str], dict[str, Any]]:
    """A body that passes, for every route that reads one."""
    return {
        ("POST", "/v1/me/consents"): {"purpose": "terms", "text_version": "1"},
        ("POST", "/v1/me/verifications"): {"method": "face"},
        ("POST", "/v1/me/grants"): {"answers": {objects["template"]: "accept"}},
        ("POST", "/v1/cases"): {"item_code": objects["code"], "accept_region": REGION, "form": {}},
        ("POST", "/ops/v1/messages"): {"citizen_id": objects["citizen_id"], "kind": "service_notice", "values": {}},
        ("POST", "/ops/v1/approvals/<string:approval_id>/approve"): {"payload_hash": objects["payload_hash"]},
        ("POST", "/ops/v1/approvals/<string:approval_id>/refuse"): {"reason": "no"},
    }


@pytest.fixture
def a(settled: Town) -> Town:
    settled.objects["citizen_id"] = settled.a.citizen_id
    settled.rest()
    return settled


def ask(town: Town, route: Route, headers: dict[str, str], **foreign: str) -> Any:
    known = bodies(town.objects).get((route.method, route.rule))
    options = {} if known is None else {"json": known}
    sent = {"Idempotency-Key": unique("matrix")} | headers
    path = route.path(town.objects | foreign)
    return town.app.test_client().open(path, method=route.method, headers=sent, **options)


def citizens(town: Town) -> dict[str, dict[str, str]]:
    """B at each level: signed in alone, with A's own name and number, and proved to be somebody else."""
    b1, b2, b3 = town.phone("other"), town.phone("minor"), town.phone("elder")
    b2.to_l2(LI)
    town.to_l3(b3, ELDER)
    return {name: proof(town, phone.token) for name, phone in (("L1", b1), ("L2 as A", b2), ("L3", b3))}


def proof(town: Town, token: str) -> dict[str, str]:
    return {"X-App": town.a.app, "Authorization": f"Bearer {token}"}


def a_sees(town: Town) -> dict[str, Any]:
    """A's whole view, without the moments that looking itself moves."""
    seen = {}
    for route in of(town.app, Caller.CITIZEN):
        if route.method == "GET" and route.rule != CALL:
            answer = ask(town, route, proof(town, town.a.token))
            assert answer.status_code == 200, (route, answer.json)
            seen[route.rule] = re.sub(r'"last_seen_at":"[^"]*"', "", answer.get_data(as_text=True))
    return seen


def about_a(town: Town) -> list[str]:
    """What no stranger's answer may hold: A's ids and A's name and number. The test fails if there are too few."""
    names = (*PRIVATE.keys() - {"purpose"}, *OFFICIAL.keys() - {"version_id"}, "citizen_id")
    return [*(town.objects[name] for name in names), town.a.account_id, *LI]


def same(one: Any, other: Any) -> bool:
    return {**one.json, "request_id": ""} == {**other.json, "request_id": ""}


def test_A1_every_route_is_in_the_matrix(a):
    table = routes(a.app)
    known = PRIVATE.keys() | OFFICIAL.keys() | PUBLIC
    assert [route for route in table if set(route.parameters) - known] == []
    document = a.app.extensions["tongban_api"].spec.to_dict()["paths"]
    reading = {
        (route.method, route.rule)
        for route in table
        if route.caller in (Caller.CITIZEN, Caller.STAFF)
        and document[re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", route.rule)][route.method.lower()].get("requestBody")
    }
    assert reading == bodies(a.objects).keys()
    assert set(PRIVATE) <= {name for route in of(a.app, Caller.CITIZEN) for name in route.parameters}
    assert len(about_a(a)) >= 9


def test_A1_nobody_else_reaches_what_is_a_s(a):
    before, strangers = a_sees(a), citizens(a)
    canaries = about_a(a)
    for who, headers in strangers.items():
        for route in of(a.app, Caller.CITIZEN):
            answer = ask(a, route, headers)
            text = answer.get_data(as_text=True)
            assert answer.status_code != 500, (who, route)
            said = [one for one in canaries if one in text]
            assert said == [], (who, route, said)
            if set(route.parameters) & set(PRIVATE):
                absent = ask(a, route, headers, **PRIVATE)
                assert answer.status_code == absent.status_code == 404, (who, route, answer.status_code)
                assert same(answer, absent), (who, route)
            if route.rule == CALL:
                assert answer.status_code in (403, 405), (who, route, answer.json)
    assert a_sees(a) == before


def test_A1_a_at_l3_does_reach_it(a):
    """The other side of the matrix: were every answer a 404, the test above would prove nothing."""
    me = proof(a, a.a.token)
    reached = {
        route.rule: ask(a, route, me).status_code
        for route in of(a.app, Caller.CITIZEN)
        if set(route.parameters) & set(PRIVATE) and route.rule != "/v1/sessions/<string:session_id>"
    }
    assert len(reached) >= 5
    assert set(reached.values()) <= {200, 204}, reached
    last = next(route for route in of(a.app, Caller.CITIZEN) if "session_id" in route.parameters)
    assert ask(a, last, me).status_code == 204


def test_A1_b_at_l2_with_a_s_pair_has_nothing_in_its_lists(a):
    b = citizens(a)["L2 as A"]
    client = a.app.test_client()
    shown = client.get("/v1/me", headers=b).json
    assert shown["level"] == "L2"
    assert shown["citizen_id"] != a.a.citizen_id
    for path in ("/v1/cases", "/v1/me/inbox"):
        assert client.get(path, headers=b).json["items"] == [], path
    assert [one["current"] for one in client.get("/v1/sessions", headers=b).json["items"]] == [True]
    assert {one["recipient"] for one in client.get("/v1/me/uses", headers=b).json["items"]} <= {"province"}
    assert all(one["available"] == 0 for one in client.get("/v1/me/grants", headers=b).json["items"])
    assert client.get(f"/v1/services/{a.objects['service_id']}/call/{STATUS}", headers=b).status_code == 403


def unproved(town: Town) -> dict[str, dict[str, str]]:
    """Nobody, a dead session, a member of staff, and A in another mini-program of ours."""
    ended = town.phone("other")
    assert ended.send("DELETE", "/v1/sessions/current").status_code == 204
    made = {
        "anonymous": {}, "app only": {"X-App": town.a.app}, "ended": proof(town, ended.token),
        "nobody's": proof(town, "tbs_" + "A" * 43), "A elsewhere": proof(town, town.a.token) | {"X-App": "wechat/wxffff"},
    }  # fmt: skip
    return made | {role: proof(town, town.people[role].token) for role in ROLES}


def test_A1_without_a_session_of_this_app_every_citizen_s_route_is_shut(a, monkeypatch):
    both = SimpleNamespace(knows_app=lambda _, app_id: app_id in {a.objects["app_id"], "wxffff"})
    monkeypatch.setattr(authenticate, "get_settings", lambda: both)
    monkeypatch.setattr(gate, "is_known", lambda app: app.startswith("wechat/"))
    for who, headers in unproved(a).items():
        for route in of(a.app, Caller.CITIZEN):
            answer = ask(a, route, headers)
            assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated"), (who, route, answer.json)


def test_A2_staff_reach_what_their_scopes_name_and_nothing_else(a):
    for role in ROLES:
        for route in of(a.app, Caller.STAFF):
            answer = ask(a, route, a.people[role].headers)
            scope = scope_of(route.rule, route.method)
            if scope is None or scope in SCOPES[role]:
                assert answer.status_code not in (401, 500), (role, route)
                assert answer.json.get("code") != "scope_missing", (role, route)
            else:
                assert (answer.status_code, answer.json["code"]) == (403, "scope_missing"), (role, route)


def test_A1_another_integrator_finds_none_of_the_province_s_or_its_rival_s_objects(a):
    rival = staff.person("integrator", place=staff.organisation("globex", "integrator"))
    for route in of(a.app, Caller.STAFF):
        if set(route.parameters) & set(OFFICIAL) and scope_of(route.rule, route.method) in SCOPES["integrator"]:
            theirs, absent = ask(a, route, rival.headers), ask(a, route, rival.headers, **OFFICIAL)
            assert theirs.status_code == absent.status_code == 404, (route, theirs.json)
            assert same(theirs, absent), route
    for path in ("/ops/v1/services", "/ops/v1/approvals"):
        assert a.app.test_client().get(path, headers=rival.headers).json["items"] == [], path


def test_A4_a_suspended_account_reaches_nothing_at_its_next_request(a):
    for role in ROLES:
        accounts.suspend(a.people[role].staff_id, actor="test")
        for route in of(a.app, Caller.STAFF):
            assert ask(a, route, a.people[role].headers).status_code == 401, (role, route)


def test_A2_citizens_and_staff_are_not_each_other(a):
    for who, headers in {"A": proof(a, a.a.token), **citizens(a)}.items():
        for route in of(a.app, Caller.STAFF):
            assert ask(a, route, headers).status_code == 401, (who, route)


def test_A2_what_has_no_object_is_listed_as_such(a):
    """Whoever adds a caller has to say what stands behind it."""
    assert {route.caller for route in routes(a.app)} == {Caller.CITIZEN, Caller.STAFF, *OBJECTLESS}
    inside = [route for route in of(a.app, Caller.INTERNAL) if "name" not in route.parameters]
    assert inside
    assert all(ask(a, route, {}).status_code == 404 for route in inside)
