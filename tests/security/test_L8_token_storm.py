"""L8: a platform that answers 40001 for ever gets at most two sends and one refresh a call, and soon none at all."""

import pytest

from app.core.errors import PlatformBusy, PlatformMisconfigured
from app.platforms.wechat import tokens
from app.platforms.wechat.messages import MESSAGES
from app.platforms.wechat.stand_in.templates import CASE_PROGRESS
from app.sandbox.faults import Fault
from config.settings import get_settings
from tests.support.surroundings import WECHAT_APP_ID

pytestmark = pytest.mark.usefixtures("db_clean")
SEND = "/cgi-bin/message/subscribe/send"
STABLE = "/cgi-bin/stable_token"
VALUES = {"thing1": "社会保障卡补领", "phrase2": "已受理", "time3": "2026-06-15 10:00", "character_string4": "A1"}


def send(openid="oES_6TyG1lmsBb5NNRIOJnHpt8ZU"):
    return MESSAGES.send(WECHAT_APP_ID, openid, CASE_PROGRESS, VALUES, None, "zh-CN")


def spent(sandbox):
    return sandbox.count(SEND), sandbox.count(STABLE)


def revoke_before_each_send(sandbox, monkeypatch):
    """Every token is unknown by the time it is used, so each refresh brings another one: the worst case."""
    original = tokens._obtain

    def obtain(app):
        token = original(app)
        sandbox.bench.faults.add(Fault("expired-token", f"/wechat{SEND}"))
        return token

    monkeypatch.setattr(tokens, "_obtain", obtain)


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_from_a_cold_start_one_send_and_one_fetch(sandbox, errcode):
    sandbox.fault("errcode", f"/wechat{SEND}", status=errcode, count=10_000)
    with pytest.raises(PlatformBusy):
        send()
    assert spent(sandbox) == (1, 1)


def test_with_a_warm_cache_at_most_two_sends_and_one_refresh(sandbox, monkeypatch):
    tokens.get(get_settings().wechat_apps[0])
    revoke_before_each_send(sandbox, monkeypatch)
    with pytest.raises(PlatformMisconfigured):
        send()
    assert spent(sandbox) == (2, 2)  # the first of the two fetches warmed the cache, before the call


def test_after_three_strikes_nothing_is_sent_for_a_while(sandbox):
    sandbox.fault("errcode", f"/wechat{SEND}", status=40001, count=10_000)
    for _ in range(3):
        with pytest.raises((PlatformBusy, PlatformMisconfigured)):
            send()
    before = spent(sandbox)
    for _ in range(20):
        with pytest.raises(PlatformBusy) as held:
            send()
    assert held.value.retry_after_s == tokens.HOLD_S
    assert spent(sandbox) == before


def test_one_good_answer_forgives_earlier_strikes(sandbox):
    app = get_settings().wechat_apps[0]
    for _ in range(3):
        tokens.get(app)
        sandbox.fault("expired-token", f"/wechat{SEND}", count=1)
        assert send().reason in {"bad_recipient", "no_grant"}
    assert send().reason in {"bad_recipient", "no_grant"}


def test_a_storm_of_callers_stays_within_the_bound(sandbox):
    sandbox.fault("errcode", f"/wechat{SEND}", status=40001, count=10_000)
    for _ in range(50):
        with pytest.raises((PlatformBusy, PlatformMisconfigured)):
            send()
    sends, refreshes = spent(sandbox)
    assert sends <= 2 * tokens.STRIKES
    assert refreshes <= tokens.STRIKES
