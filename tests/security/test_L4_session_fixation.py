"""L4: a session's token is made at login by us; whatever the client brought is ignored and stays dead."""

from tests.support.citizen_steps import APP, unique

PRESET = "tbs_" + "A" * 43


def test_a_preset_token_is_not_taken_up(phone):
    caller = phone(log_in=False)
    answer = caller.client.post(
        "/v1/sessions",
        json={"code": unique("openid-a.code")},
        headers={"X-App": APP, "Authorization": f"Bearer {PRESET}", "Cookie": f"session={PRESET}"},
    )
    assert answer.status_code == 201
    assert answer.json["access_token"] != PRESET
    assert "Set-Cookie" not in answer.headers
    caller.token = PRESET
    assert caller.send("GET", "/v1/me").status_code == 401


def test_a_body_cannot_name_the_session(phone):
    caller = phone(log_in=False)
    answer = caller.client.post(
        "/v1/sessions", json={"code": "openid-a.1", "access_token": PRESET}, headers={"X-App": APP}
    )
    assert answer.status_code == 422


def test_logging_in_again_ends_the_session_before(phone, rows):
    caller = phone()
    before = caller.token
    caller.log_in()
    assert caller.token != before
    assert caller.me()["level"] == "L1"
    caller.token = before
    assert caller.send("GET", "/v1/me").status_code == 401
    assert rows("SELECT reason FROM sessions WHERE ended_at IS NOT NULL") == [("replaced",)]


def test_tokens_do_not_repeat(phone):
    caller = phone()
    tokens = {caller.token} | {caller.token for _ in range(20) if caller.log_in()}
    assert len(tokens) == 21
