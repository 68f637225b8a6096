"""code2session against the stand-in over real loopback HTTP."""

import pytest

from app.core.errors import OutcomeUnknown, PlatformBusy, PlatformGarbled, PlatformMisconfigured
from app.platforms import registry
from app.platforms.base import CodeRefused
from app.platforms.wechat.login import LOGIN
from tests.support.surroundings import WECHAT_APP_ID

PATH = "/sns/jscode2session"


def fresh_code(sandbox, user="adult"):
    return sandbox.control("POST", "wechat/codes", user=user)


def refusal(code):
    with pytest.raises(CodeRefused) as refused:
        LOGIN.exchange(WECHAT_APP_ID, code)
    return refused.value.reason


def test_a_fresh_code_names_the_user(sandbox):
    minted = fresh_code(sandbox)
    identity = registry.login("wechat").exchange(WECHAT_APP_ID, minted["code"])
    assert identity.openid == minted["openid"]
    assert identity.unionid
    assert identity.session_key


def test_the_session_key_is_not_printed(sandbox):
    identity = LOGIN.exchange(WECHAT_APP_ID, fresh_code(sandbox)["code"])
    assert identity.session_key not in repr(identity)
    assert identity.openid not in repr(identity)


def test_a_used_code_is_refused_as_used(sandbox):
    code = fresh_code(sandbox)["code"]
    LOGIN.exchange(WECHAT_APP_ID, code)
    assert refusal(code) == "used"


def test_an_unknown_code_is_invalid(sandbox):
    assert refusal("0" * 32) == "invalid"


def test_an_expired_code_is_invalid(sandbox):
    code = fresh_code(sandbox)["code"]
    sandbox.control("POST", "clock", advance_s=301)
    assert refusal(code) == "invalid"


def test_a_risky_user_is_blocked(sandbox):
    assert refusal(fresh_code(sandbox, "risky")["code"]) == "blocked"


@pytest.mark.parametrize("code", ["", "a b", "a" * 129, "x\n", "码", "a&appid=wx"])
def test_what_no_code_looks_like_is_refused_without_a_call(sandbox, code):
    assert refusal(code) == "invalid"
    assert sandbox.count(PATH) == 0


def test_no_access_token_is_fetched_for_a_login(sandbox):
    LOGIN.exchange(WECHAT_APP_ID, fresh_code(sandbox)["code"])
    assert sandbox.count("/cgi-bin/stable_token") == sandbox.count("/cgi-bin/token") == 0


def test_an_app_we_do_not_serve_is_ours_to_mend(sandbox):
    with pytest.raises(PlatformMisconfigured):
        LOGIN.exchange("wxffffffffffffffff", "0" * 32)


def test_the_minute_quota_says_when_to_come_back(sandbox):
    sandbox.fault("errcode", "/wechat/sns/*", status=45011)
    with pytest.raises(PlatformBusy) as busy:
        LOGIN.exchange(WECHAT_APP_ID, fresh_code(sandbox)["code"])
    assert busy.value.retry_after_s == 60
    assert busy.value.trace.count("-") == 2


def test_a_wrong_secret_is_ours_to_mend(sandbox):
    sandbox.fault("errcode", "/wechat/sns/*", status=40125)
    with pytest.raises(PlatformMisconfigured):
        LOGIN.exchange(WECHAT_APP_ID, fresh_code(sandbox)["code"])


@pytest.mark.parametrize("kind", ["execute-then-reset", "half-body"])
def test_a_lost_answer_is_unknown_and_the_code_is_burnt(sandbox, kind):
    code = fresh_code(sandbox)["code"]
    sandbox.fault(kind, "/wechat/sns/*")
    with pytest.raises(OutcomeUnknown):
        LOGIN.exchange(WECHAT_APP_ID, code)
    assert sandbox.count(PATH) == 1
    assert refusal(code) == "used"


@pytest.mark.parametrize("kind", ["bad-json", "5xx"])
def test_an_unreadable_answer_is_garbled(sandbox, kind):
    sandbox.fault(kind, "/wechat/sns/*")
    with pytest.raises(PlatformGarbled):
        LOGIN.exchange(WECHAT_APP_ID, fresh_code(sandbox)["code"])


def test_every_third_login_rotates_the_session_key(sandbox):
    keys = [LOGIN.exchange(WECHAT_APP_ID, fresh_code(sandbox)["code"]).session_key for _ in range(4)]
    assert keys[0] == keys[1] == keys[2] != keys[3]
