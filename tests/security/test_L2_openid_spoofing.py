"""L2: whoever a request says it is, the session alone decides who it is."""

import pytest
from flask import Flask

from tests.support.citizen_steps import APP, LI

NAMES = ("openid", "unionid", "user_id", "phone", "account_id", "citizen_id", "session_key")
OPERATIONS = [
    ("GET", "/v1/me", None),
    ("GET", "/v1/me/consents", None),
    ("GET", "/v1/me/uses", None),
    ("GET", "/v1/sessions", None),
    ("POST", "/v1/me/consents", {"purpose": "terms", "text_version": "1"}),
    ("POST", "/v1/me/verifications", {"method": "real_name", "name": LI[0], "id_number": LI[1]}),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_such_a_field_in_a_body_or_query_never_changes_the_subject(phone, rows, name, method, path, body):
    victim, caller = phone("openid-v"), phone("openid-a")
    caller.consent("real_name")
    value = getattr(victim, name, victim.openid)
    plain = caller.send(method, path)
    by_query = caller.send(method, f"{path}?{name}={value}", body, Idempotency_Key="by-query-1")
    if method == "GET":
        assert by_query.status_code in (400, 422) or by_query.json == plain.json
    else:
        by_body = caller.send(method, path, {**body, name: value}, Idempotency_Key="by-body-01")
        assert by_body.status_code == 422
        assert {"field": name, "code": "unknown"} in by_body.json["errors"]
    by_header = caller.send("GET", "/v1/me", **{f"X_{name}": value})
    assert by_header.json["account_id"] == caller.account_id
    assert rows("SELECT 1 FROM consents WHERE account_id = :a", a=victim.account_id) == []
    assert rows("SELECT 1 FROM verifications WHERE account_id = :a", a=victim.account_id) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_login_takes_a_code_and_nothing_else(phone, world, name):
    caller = phone(log_in=False)
    answer = caller.client.post("/v1/sessions", json={"code": "openid-a.1", name: "openid-v"}, headers={"X-App": APP})
    assert (answer.status_code, answer.json["errors"]) == (422, [{"field": name, "code": "unknown"}])
    assert world.calls["exchange"] == 0


def test_every_operation_of_the_room_was_tried_or_names_its_subject_by_id(identity_app: Flask):
    tried = {(method, path) for method, path, _ in OPERATIONS} | {("POST", "/v1/sessions"), ("GET", "/v1/consents")}
    by_id = {"/v1/sessions/current", "/v1/sessions/<string:session_id>", "/v1/me/consents/<string:purpose>"}
    by_id |= {f"/v1/me/verifications/<string:verification_id>{end}" for end in ("", "/finish")}
    rooms = ("login.", "identity.", "verifications.")
    for rule in identity_app.url_map.iter_rules():
        if rule.endpoint.startswith(rooms) and rule.rule not in by_id:
            assert {(method, rule.rule) for method in rule.methods - {"HEAD", "OPTIONS"}} <= tried
