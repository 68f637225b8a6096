"""Journey step 1: a code becomes a session; a used code does not."""

import pytest

from app.core.errors import NotSent, OutcomeUnknown, PlatformBusy, PlatformMisconfigured
from tests.support.citizen_steps import APP


def test_a_code_becomes_a_session_at_l1(phone):
    answer = phone(log_in=False).log_in()
    assert answer.status_code == 201
    body = answer.json
    assert set(body) == {
        "access_token", "token_type", "expires_at", "idle_timeout_s", "level", "account_id", "citizen_id",
    }  # fmt: skip
    assert (body["token_type"], body["level"], body["idle_timeout_s"]) == ("Bearer", "L1", 7200)
    assert len(body["access_token"]) == len("tbs_") + 43


def test_the_same_openid_comes_back_to_its_account_and_citizen(phone):
    first, second = phone("openid-a"), phone("openid-a")
    assert (first.account_id, first.citizen_id) == (second.account_id, second.citizen_id)
    assert phone("openid-b").account_id != first.account_id


def test_a_code_the_channel_refuses_is_refused(phone, world):
    answer = phone(log_in=False).log_in("nonsense")
    assert (answer.status_code, answer.json["code"], answer.json["next"]) == (401, "code_refused", "fetch_new_code")
    assert world.calls["exchange"] == 1


@pytest.mark.parametrize(
    "trouble",
    [
        NotSent("refused"),
        OutcomeUnknown("reset"),
        PlatformBusy("wechat", "login", "45011", retry_after_s=60),
        PlatformMisconfigured("wechat", "login", "40013"),
    ],
)
def test_a_channel_that_cannot_be_asked_gives_no_session_and_the_code_stays_burnt(phone, world, rows, trouble):
    world.trouble["exchange"] = trouble
    caller = phone(log_in=False)
    answer = caller.log_in("openid-a.code-1")
    assert (answer.status_code, answer.json["code"]) == (503, "login_unavailable")
    assert int(answer.headers["Retry-After"]) >= getattr(trouble, "retry_after_s", 1)
    world.trouble.clear()
    assert caller.log_in("openid-a.code-1").json["code"] == "code_refused"
    assert world.calls["exchange"] == 1
    assert rows("SELECT 1 FROM sessions") == []


@pytest.mark.parametrize(
    "app", ["", "wechat", "wechat/", "wechat/wxffffffffffffffff", "alipay/2021", f"{APP}/x", "a b"]
)
def test_an_unknown_app_is_refused_before_anything_happens(phone, world, app):
    answer = phone(log_in=False, app=app).log_in()
    assert (answer.status_code, answer.json["code"]) == (400, "app_required")
    assert world.calls["exchange"] == 0


@pytest.mark.parametrize(
    "body", [{}, {"code": ""}, {"code": None}, {"code": 1}, {"code": "x" * 129}, {"code": "a b\n"}]
)
def test_a_code_of_the_wrong_form_never_reaches_the_channel(phone, world, body):
    caller = phone(log_in=False)
    answer = caller.client.post("/v1/sessions", json=body, headers={"X-App": APP})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
    assert answer.json["errors"][0]["field"] == "code"
    assert world.calls["exchange"] == 0


def test_a_login_leaves_an_audit_row(phone, rows):
    caller = phone()
    assert rows("SELECT actor, outcome FROM audit_entries WHERE act = 'login'") == [(caller.account_id, "done")]
