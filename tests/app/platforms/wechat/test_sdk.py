"""wechatpy wrapped: it sends once, reads strictly, leaks nothing, and parses only what was checked."""

import inspect

import pytest
from wechatpy.client.base import BaseWeChatClient

from app.core import http
from app.core.errors import PlatformGarbled
from app.platforms.wechat import tokens
from app.platforms.wechat.sdk import Sdk, read_xml, sdk_for
from app.platforms.wechat.xmlguard import BadXml
from config.settings import get_settings
from tests.support import outbound
from tests.support.upstreams import ok, running
from tests.support.wechat_push import SENT

HEAD = (
    "<ToUserName>gh_0123456789ab</ToUserName><FromUserName>oSandboxUser0001</FromUserName>"
    "<CreateTime>1750000000</CreateTime><MsgType>event</MsgType><Event>subscribe_msg_sent_event</Event>"
)
ITEM = (
    "<List><TemplateId>TPL_A</TemplateId><MsgID>1864323726461255680</MsgID><ErrorCode>0</ErrorCode>"
    "<ErrorStatus>success</ErrorStatus></List>"
)


def client(monkeypatch, upstream):
    outbound.admit(monkeypatch, upstream.authority)
    return Sdk(get_settings().wechat_apps[0], upstream.url(""))


def test_one_send_is_one_request_even_when_the_token_is_called_stale_for_ever(monkeypatch):
    with running(ok(b'{"errcode":40001,"errmsg":"invalid credential"}')) as upstream:
        reply = client(monkeypatch, upstream).subscribe_send("t", {"touser": "o"})
        assert reply.errcode == 40001
        assert upstream.targets == ["/cgi-bin/message/subscribe/send?access_token=t"]


def test_the_body_is_real_utf8(monkeypatch):
    with running(ok(b'{"errcode":0}')) as upstream:
        client(monkeypatch, upstream).subscribe_send("t", {"data": {"thing1": {"value": "社保卡"}}})
        assert "社保卡".encode() in upstream.requests[0]
        assert b"content-type: application/json" in upstream.requests[0].lower()


@pytest.mark.parametrize(
    "script",
    [
        ok(b"<html>"),
        ok(b""),
        ok(b"[]"),
        ok(b"{}", status="502 Bad Gateway"),
        ok(b"", "Location: /x", status="302 Found"),
    ],
)
def test_a_bad_answer_is_garbled_without_the_request_in_its_chain(monkeypatch, script):
    with running(script) as upstream:
        wrapped = client(monkeypatch, upstream)
        with pytest.raises(PlatformGarbled) as garbled:
            wrapped.subscribe_send("canary-token", {})
        assert garbled.value.__suppress_context__ or garbled.value.__context__ is None
        assert "canary-token" not in repr(garbled.value)
        assert len(upstream.requests) == 1


def test_it_travels_on_our_road(monkeypatch):
    with running(ok(b"{}")) as upstream:
        wrapped = client(monkeypatch, upstream)
        assert isinstance(wrapped._http, type(http.session()))
        assert wrapped.auto_retry is False
        assert wrapped.secret == ""


def test_its_token_is_our_holders(monkeypatch):
    monkeypatch.setattr(tokens, "get", lambda app: f"held for {app.app_id}")
    wrapped = sdk_for(get_settings().wechat_apps[0])
    assert wrapped.access_token == "held for wx0123456789abcdef"
    assert wrapped.fetch_access_token() == {"access_token": "held for wx0123456789abcdef"}


def test_an_app_has_one_client_and_another_base_url_another():
    app = get_settings().wechat_apps[0]
    assert sdk_for(app) is sdk_for(app)
    assert sdk_for(app).API_BASE_URL.removesuffix("/cgi-bin/") == get_settings().wechat_base_url


def test_the_seams_we_override_still_exist():
    """An upgrade that renames them would bring the unbounded retry back unnoticed."""
    assert "auto_retry" in inspect.signature(BaseWeChatClient.__init__).parameters
    assert {"_handle_result", "fetch_access_token", "_request"} <= set(dir(BaseWeChatClient))


def test_xml_comes_out_in_the_shape_of_json():
    raw = f"<xml>{HEAD}<SubscribeMsgSentEvent>{ITEM}</SubscribeMsgSentEvent></xml>"
    found = read_xml(raw.encode())
    assert {name: found[name] for name in SENT} == SENT


def test_several_items_are_a_list():
    raw = f"<xml>{HEAD}<SubscribeMsgSentEvent>{ITEM}{ITEM}</SubscribeMsgSentEvent></xml>"
    assert [item["TemplateId"] for item in read_xml(raw.encode())["List"]] == ["TPL_A", "TPL_A"]


@pytest.mark.parametrize(
    "raw", [b"", b"<xml/>", b"<xml><MsgType/></xml>", b"<xml><MsgType><a/></MsgType></xml>", b"{}"]
)
def test_what_is_no_message_is_bad_xml(raw):
    try:
        found = read_xml(raw)
    except BadXml:
        return
    assert "MsgType" in found  # an empty MsgType is text that the caller's schema refuses
