"""Message push at the verify level: what is accepted, what it means, and each door it can fall at."""

from datetime import UTC, datetime

import pytest

from app.core.inbound import Forged, Malformed
from app.platforms import registry
from app.platforms.base import CallbackKind
from app.platforms.wechat import callbacks
from app.platforms.wechat.stand_in import push as stand_in
from tests.support import wechat_push as push

ITEMS = {
    "subscribe_msg_popup_event": {"TemplateId": "TPL_A", "SubscribeStatusString": "accept", "PopupScene": "0"},
    "subscribe_msg_change_event": {"TemplateId": "TPL_A", "SubscribeStatusString": "reject"},
    "subscribe_msg_sent_event": {
        "TemplateId": "TPL_A",
        "MsgID": "1864323726461255680",
        "ErrorCode": "0",
        "ErrorStatus": "success",
    },
}
MEANT = {
    "subscribe_msg_popup_event": {"template_id": "TPL_A", "answer": "accept", "source": "popup"},
    "subscribe_msg_change_event": {"template_id": "TPL_A", "answer": "reject", "source": "change"},
    "subscribe_msg_sent_event": {
        "template_id": "TPL_A",
        "message_id": "1864323726461255680",
        "ok": True,
        "code": "0",
        "status": "success",
    },
}
FORMATS = {
    "json_bare": lambda head, items: stand_in.as_json(head, items, bare=True),
    "json_array": lambda head, items: stand_in.as_json(head, items, bare=False),
    "xml": stand_in.as_xml,
}


@pytest.fixture(autouse=True)
def _vector_app(monkeypatch):
    push.serve(monkeypatch)


def head(event):
    return {name: value for name, value in push.SENT.items() if name != "List"} | {"Event": event}


def verified(members=push.SENT, at=push.NOW):
    return callbacks.verify(push.genuine(members, at))


def refusal(inbound):
    with pytest.raises((Forged, Malformed)) as refused:
        callbacks.verify(inbound)
    return type(refused.value), refused.value.reason


@pytest.mark.parametrize("event", ITEMS)
@pytest.mark.parametrize("shape", FORMATS)
def test_the_three_events_mean_the_same_in_every_format(event, shape):
    seen = verified(FORMATS[shape](head(event), [ITEMS[event]]))
    receipt = event == "subscribe_msg_sent_event"
    assert seen.kind is (CallbackKind.RECEIPT if receipt else CallbackKind.GRANTS)
    assert seen.data == {"openid": "oSandboxUser0001", "items": [MEANT[event]]}
    assert seen.occurred_at == datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
    assert (seen.reply, seen.reply_type) == (b"success", "text/plain")


@pytest.mark.parametrize("shape", FORMATS)
def test_several_items_keep_their_order(shape):
    rows = [
        {"TemplateId": name, "SubscribeStatusString": answer, "PopupScene": "2"}
        for name, answer in (("TPL_B", "reject"), ("TPL_A", "accept"))
    ]
    seen = verified(FORMATS[shape](head("subscribe_msg_popup_event"), rows))
    assert [(item["template_id"], item["answer"]) for item in seen.data["items"]] == [
        ("TPL_B", "reject"),
        ("TPL_A", "accept"),
    ]


def test_the_registry_hands_out_this_verify():
    assert registry.verifier("wechat") is callbacks.verify
    assert registry.answer_probe("wechat") is callbacks.answer_probe


def test_numbers_may_be_numbers():
    numbers = push.SENT["List"] | {"MsgID": 1864323726461255680, "ErrorCode": 0}
    seen = verified(push.SENT | {"CreateTime": 1750000000, "List": [numbers]})
    assert seen.data["items"][0]["message_id"] == "1864323726461255680"
    assert seen.event_id == verified().event_id


def test_a_failed_delivery_keeps_its_code():
    failed = push.SENT["List"] | {"ErrorCode": "-3", "ErrorStatus": "system failed"}
    item = verified(push.SENT | {"List": failed}).data["items"][0]
    assert (item["ok"], item["code"], item["status"]) == (False, "-3", "system failed")


def test_the_event_id_is_the_same_for_a_repeat_and_for_each_format():
    ids = {verified(make(head("subscribe_msg_sent_event"), [push.SENT["List"]])).event_id for make in FORMATS.values()}
    assert len(ids) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"FromUserName": "oSandboxUser0002"},
        {"CreateTime": "1750000001"},
        {"List": push.SENT["List"] | {"MsgID": "1864323726461255681"}},
        {"List": push.SENT["List"] | {"TemplateId": "TPL_B"}},
    ],
)
def test_another_event_has_another_id(change):
    assert verified(push.SENT | change).event_id != verified().event_id


def test_the_nonce_is_of_nonce_and_time():
    again = push.sealed()
    other = push.inbound(push.query(again, at=push.NOW + 1), push.body(again))
    assert callbacks.verify(other).nonce != verified().nonce
    assert callbacks.verify(other).event_id == verified().event_id


@pytest.mark.parametrize(
    "members",
    [
        {"MsgType": "event", "Event": "debug_demo"},
        {"MsgType": "event", "Event": "user_authorization_revoke", "OpenID": "o1", "RevokeInfo": "8"},
        {"MsgType": "text", "Content": "你好", "MsgId": 7000000000000000001},
    ],
)
def test_what_is_not_ours_is_acknowledged_and_ignored(members):
    common = {name: push.SENT[name] for name in ("ToUserName", "FromUserName", "CreateTime")}
    seen = verified(common | members)
    assert (seen.kind, seen.data) == (CallbackKind.IGNORED, {})


def test_xml_of_an_unknown_kind_is_ignored_too():
    raw = (
        "<xml><ToUserName>gh_0123456789ab</ToUserName><FromUserName>o1</FromUserName><CreateTime>1750000000</CreateTime>"
        "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好]]></Content><MsgId>7000000000000000001</MsgId></xml>"
    )
    assert verified(raw.encode()).kind is CallbackKind.IGNORED


@pytest.mark.parametrize("skew", [-300, -1, 0, 1, 300])
def test_within_the_window(skew):
    assert verified(at=push.NOW + skew)


@pytest.mark.parametrize("skew", [-301, 301, -86400, 86400])
def test_outside_the_window_is_stale_in_both_directions(skew):
    assert refusal(push.genuine(at=push.NOW + skew)) == (Forged, "stale")


def test_plain_mode_is_refused_however_well_signed():
    plain = push.query("", encrypt_type=None, msg_signature=None)
    assert refusal(push.inbound(plain, push.message(push.SENT))) == (Forged, "plain_mode")


def test_an_app_we_do_not_serve_is_refused():
    encrypted = push.sealed()
    stranger = push.inbound(push.query(encrypted), push.body(encrypted), app_id="wxffffffffffffffff")
    assert refusal(stranger) == (Forged, "unknown_app")


def test_the_plain_signature_is_no_message_signature():
    encrypted = push.sealed()
    swapped = push.query(encrypted, msg_signature=push.sign(push.TOKEN, str(push.NOW), push.NONCE))
    assert refusal(push.inbound(swapped, push.body(encrypted))) == (Forged, "signature")


def test_the_signature_is_checked_before_anything_is_opened(monkeypatch):
    def opened(*_):
        raise AssertionError("decrypted before the signature held")

    monkeypatch.setattr(callbacks, "open_message", opened)
    encrypted = push.sealed()
    forged = push.inbound(push.query(encrypted, token="another"), push.body(encrypted))
    assert refusal(forged) == (Forged, "signature")


def test_a_body_above_the_limit_is_not_parsed():
    huge = b'{"Encrypt":"' + b"A" * callbacks.MAX_BODY_BYTES + b'"}'
    assert refusal(push.inbound(push.query("A"), huge)) == (Forged, "too_large")


def probe(**changes):
    parts = {
        "signature": push.sign(push.TOKEN, str(push.NOW), push.NONCE),
        "timestamp": str(push.NOW),
        "nonce": push.NONCE,
        "echostr": "4375120948345356249",
    }
    text = "&".join(f"{name}={value}" for name, value in (parts | changes).items() if value is not None)
    return push.inbound(text, b"")


def test_the_console_gets_its_echo():
    assert callbacks.answer_probe(probe()) == b"4375120948345356249"


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "0" * 40},
        {"signature": None},
        {"signature": ""},
        {"timestamp": str(push.NOW + 1)},
        {"nonce": "1"},
        {"nonce": ""},
        {"echostr": None},
        {"echostr": ""},
        {"echostr": "%3Cscript%3E"},
        {"echostr": "a%0d%0aX: y"},
        {"echostr": "7" * 257},
    ],
)
def test_a_false_probe_is_refused(changes):
    with pytest.raises(Forged):
        callbacks.answer_probe(probe(**changes))


def test_a_stale_probe_is_refused():
    late = probe()
    stale = push.inbound(late.query, b"", at=push.NOW + 301)
    with pytest.raises(Forged):
        callbacks.answer_probe(stale)
