"""subscribe/send through the wrapped SDK, against the stand-in."""

import json

import pytest

from app.core.errors import NotSent, OutcomeUnknown, PlatformBusy, PlatformGarbled, PlatformMisconfigured
from app.platforms import registry
from app.platforms.base import SendState
from app.platforms.wechat.messages import MESSAGES, REFUSALS
from app.platforms.wechat.sdk import Sdk
from app.platforms.wechat.stand_in.templates import CASE_PROGRESS, NOTICE
from config.settings import get_settings
from tests.support.surroundings import WECHAT_APP_ID

pytestmark = pytest.mark.usefixtures("db_clean")
PATH = "/cgi-bin/message/subscribe/send"
FAULT = f"/wechat{PATH}"
VALUES = {"thing1": "社会保障卡补领", "phrase2": "已受理", "time3": "2026-06-15 10:00", "character_string4": "A-0001"}


@pytest.fixture
def openid(sandbox):
    return sandbox.control("POST", "wechat/codes", user="adult")["openid"]


def accept(sandbox, template_id=CASE_PROGRESS, user="adult"):
    sandbox.control("POST", "wechat/subscribe", user=user, answers={template_id: "accept"})


def send(openid, template_id=CASE_PROGRESS, values=VALUES, page="pages/case/detail?id=7", lang="zh-CN"):
    return MESSAGES.send(WECHAT_APP_ID, openid, template_id, values, page, lang)


def test_an_accepted_message_arrives_whole(sandbox, openid):
    accept(sandbox)
    answer = registry.messages("wechat").send(
        WECHAT_APP_ID, openid, CASE_PROGRESS, VALUES, "pages/case/detail", "zh-CN"
    )
    assert answer.state is SendState.ACCEPTED
    assert int(answer.message_id) > 2**53
    (arrived,) = sandbox.control("GET", "wechat/messages?user=adult")["messages"]
    assert arrived["msgid"] == answer.message_id
    assert arrived["data"] == {key: {"value": value} for key, value in VALUES.items()}
    assert arrived["page"] == "pages/case/detail"


def test_one_grant_is_good_for_one_message(sandbox, openid):
    accept(sandbox)
    assert send(openid).state is SendState.ACCEPTED
    refused = send(openid)
    assert (refused.state, refused.reason, refused.code) == (SendState.REFUSED, "no_grant", "43101")


def test_a_long_term_grant_lasts(sandbox, openid):
    accept(sandbox, NOTICE)
    values = {"thing1": "停水通知", "thing2": "明日检修", "time3": "2026-06-15 10:00"}
    assert [send(openid, NOTICE, values).state for _ in range(3)] == [SendState.ACCEPTED] * 3


def test_state_and_language_are_always_sent(sandbox, openid, monkeypatch):
    bodies = []
    real = Sdk.subscribe_send
    monkeypatch.setattr(Sdk, "subscribe_send", lambda self, token, body: bodies.append(body) or real(self, token, body))
    for lang in ("zh-CN", "en", "en_US", "zh-HK", "fr"):
        send(openid, lang=lang)
    assert {body["miniprogram_state"] for body in bodies} == {"formal"}
    assert [body["lang"] for body in bodies] == ["zh_CN", "en_US", "en_US", "zh_HK", "zh_CN"]


@pytest.mark.parametrize(("errcode", "reason"), sorted(REFUSALS.items()))
def test_each_refusal_has_our_word(sandbox, openid, errcode, reason):
    sandbox.fault("errcode", FAULT, status=errcode)
    refused = send(openid)
    assert (refused.state, refused.reason, refused.code) == (SendState.REFUSED, reason, str(errcode))


def test_a_stranger_cannot_be_written_to(sandbox):
    assert send("oNobodyKnowsThisOpenid000000").reason == "bad_recipient"


def test_a_foreign_template_is_refused(sandbox, openid):
    assert send(openid, "x" * 43).reason == "bad_template"


def test_a_missing_field_is_refused_by_wechat(sandbox, openid):
    accept(sandbox)
    assert send(openid, values={"thing1": "社会保障卡补领"}).reason == "bad_content"


def test_a_value_that_cannot_fit_is_refused_before_anything_is_sent(sandbox, openid):
    refused = send(openid, values=VALUES | {"phrase2": "OK"})
    assert (refused.reason, refused.code) == ("bad_content", "local_phrase2")
    assert sandbox.count(PATH) == 0


@pytest.mark.parametrize("page", ["/pages/x", "", " pages/x", "pages/x\n", "a" * 1025, "页面"])
def test_a_bad_page_is_refused_before_anything_is_sent(sandbox, openid, page):
    assert send(openid, page=page).reason == "page"
    assert sandbox.count(PATH) == 0


def test_a_busy_system_leaves_the_outcome_unknown(sandbox, openid):
    sandbox.fault("errcode", FAULT, status=-1)
    with pytest.raises(OutcomeUnknown):
        send(openid)


def test_a_frequency_limit_says_when(sandbox, openid):
    sandbox.fault("errcode", FAULT, status=45011)
    with pytest.raises(PlatformBusy) as busy:
        send(openid)
    assert busy.value.retry_after_s == 60


def test_a_secret_nobody_accepts_pages_somebody(sandbox, openid):
    sandbox.fault("errcode", "/wechat/cgi-bin/stable_token", status=40125)
    with pytest.raises(PlatformMisconfigured):
        send(openid)


@pytest.mark.parametrize("kind", ["execute-then-reset", "half-body"])
def test_a_lost_answer_is_unknown_and_never_sent_again(sandbox, openid, kind):
    accept(sandbox)
    sandbox.fault(kind, FAULT)
    with pytest.raises(OutcomeUnknown):
        send(openid)
    assert len(sandbox.control("GET", "wechat/messages?user=adult")["messages"]) == 1


@pytest.mark.parametrize("kind", ["execute-then-reset", "half-body", "bad-json", "5xx"])
def test_a_message_without_a_token_has_not_been_sent(sandbox, openid, kind):
    # Nobody knows what became of the request for a token, which harms nobody; the message itself never left.
    sandbox.fault(kind, "/wechat/cgi-bin/stable_token")
    with pytest.raises(PlatformBusy):
        send(openid)
    assert sandbox.count(PATH) == 0


@pytest.mark.parametrize("kind", ["bad-json", "5xx"])
def test_an_unreadable_answer_is_garbled_and_names_no_token(sandbox, openid, kind):
    sandbox.fault(kind, FAULT)
    with pytest.raises(PlatformGarbled) as garbled:
        send(openid)
    assert garbled.value.__cause__ is None
    assert garbled.value.__suppress_context__ or garbled.value.__context__ is None


def test_nothing_listening_is_not_sent(sandbox, openid, monkeypatch):
    send(openid)
    closed = get_settings().model_copy(update={"wechat_base_url": "http://127.0.0.1:1/wechat"})
    monkeypatch.setattr("app.platforms.wechat.sdk.get_settings", lambda: closed)
    with pytest.raises(NotSent):
        send(openid)


def test_the_receipt_follows_by_push(sandbox, openid):
    accept(sandbox)
    answer = send(openid)
    sandbox.settle()
    labels = [entry["operation"] for entry in sandbox.journal() if entry["operation"].startswith("push/")]
    assert labels == ["push/wechat/subscribe_msg_popup_event", "push/wechat/subscribe_msg_sent_event"]
    assert answer.message_id not in sandbox.pushes[-1].url
    assert set(json.loads(sandbox.pushes[-1].body)) == {"ToUserName", "Encrypt"}
