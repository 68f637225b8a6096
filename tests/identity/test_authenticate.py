"""X-App and the bearer token: the token belongs to one channel and app (security.md L5)."""

import pytest

from config.settings import get_settings
from tests.support.citizen_steps import APP
from tests.support.surroundings import WECHAT_APP_ID


@pytest.fixture
def second_app(monkeypatch):
    known = type(get_settings()).knows_app
    monkeypatch.setattr(
        type(get_settings()), "knows_app", lambda self, ch, app: app == "wxfedcba9876543210" or known(self, ch, app)
    )
    return "wechat/wxfedcba9876543210"


@pytest.mark.parametrize("app", ["", "wechat", "wechat/unknown", "province/x", f"{APP} ", "wechat/%00", "微信/wx"])
def test_no_app_no_answer(phone, app):
    caller = phone()
    answer = caller.client.get(
        "/v1/me", headers=[("X-App", app.encode().decode("latin-1")), ("Authorization", f"Bearer {caller.token}")]
    )
    assert (answer.status_code, answer.json["code"]) == (400, "app_required")


def test_a_token_of_another_app_is_refused(phone, second_app):
    caller = phone()
    caller.app = second_app
    answer = caller.send("GET", "/v1/me")
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    caller.app = APP
    assert caller.me()["level"] == "L1"


def test_the_same_openid_in_two_apps_is_two_accounts(phone, second_app):
    """security.md L3."""
    first, second = phone("openid-a"), phone("openid-a", app=second_app)
    assert first.account_id != second.account_id
    assert first.citizen_id != second.citizen_id


def test_an_app_of_ours_under_another_channel_is_unknown():
    assert get_settings().knows_app("wechat", WECHAT_APP_ID)
    assert not get_settings().knows_app("alipay", WECHAT_APP_ID)
