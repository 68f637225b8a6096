"""Callbacks over HTTP as the platforms send them, signed by test code of their own (reference vectors pin the same text)."""

import hashlib
import hmac
import itertools
import json
import time
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.settings import WechatApp, get_settings
from tests.support import wechat_push

_serial = itertools.count(1)
PROVINCE_PATH = "/callbacks/province/events"


@dataclass(frozen=True)
class Call:
    """One request; spoil a part with `replace`."""

    path: str
    body: bytes
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, client: FlaskClient) -> TestResponse:
        return client.post(self.path, query_string=self.query, data=self.body, headers=self.headers)


def province(
    case_no: str, seq: int = 2, *, event_id: str = "", at_s: int | None = None, nonce: str = "", to: str = "DONE",
    path: str = PROVINCE_PATH, secret: str | None = None,
) -> Call:  # fmt: skip
    """A `case.state` event (province.md 3.6): HMAC over ts, nonce, method, path and the body's digest."""
    body = json.dumps(
        {
            "eventId": event_id or f"E{next(_serial)}", "type": "case.state", "at": 1700000000000, "seq": seq,
            "caseNo": case_no, "data": {"from": "ACCEPTED", "to": to, "result": "APPROVED"},
        }
    ).encode()  # fmt: skip
    return signed_by_province(body, at_s=at_s, nonce=nonce, path=path, secret=secret)


def signed_by_province(
    body: bytes, *, at_s: int | None = None, nonce: str = "", path: str = PROVINCE_PATH, secret: str | None = None
) -> Call:
    settings = get_settings()
    stamp, nonce = str(at_s or int(time.time())), nonce or f"n-{next(_serial):08d}"
    key = secret or settings.province_callback_secret.get_secret_value()
    signed = "\n".join((stamp, nonce, "POST", path, hashlib.sha256(body).hexdigest()))
    signature = hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest()
    headers = {
        "X-PCB-Key": settings.province_callback_key_id, "X-PCB-Timestamp": stamp, "X-PCB-Nonce": nonce,
        "X-PCB-Signature": signature, "Content-Type": "application/json",
    }  # fmt: skip
    return Call(path, body, headers=headers)


def wechat(
    event: str, rows: list[dict[str, str]], *, openid: str, app: WechatApp | None = None, at_s: int | None = None,
    created_s: int | None = None, to_app: str = "",
) -> Call:  # fmt: skip
    """A subscribe event in safe mode, JSON (wechat.md 5.2, 5.5)."""
    sender = app or get_settings().wechat_apps[0]
    at = at_s or int(time.time())
    members = {
        "ToUserName": sender.original_id, "FromUserName": openid, "CreateTime": str(created_s or at - next(_serial)),
        "MsgType": "event", "Event": event, "List": rows,
    }  # fmt: skip
    encrypted = wechat_push.sealed(members, sender)
    token, nonce = sender.push_token.get_secret_value(), str(next(_serial))
    query = {
        "signature": wechat_push.sign(token, str(at), nonce), "timestamp": str(at), "nonce": nonce, "openid": openid,
        "encrypt_type": "aes", "msg_signature": wechat_push.sign(token, str(at), nonce, encrypted),
    }  # fmt: skip
    return Call(
        f"/callbacks/wechat/{to_app or sender.app_id}", wechat_push.body(encrypted), urlencode(query),
        {"Content-Type": "application/json"},
    )  # fmt: skip


def popup(openid: str, template: str, answer: str = "accept", **more: Any) -> Call:
    rows = [{"TemplateId": template, "SubscribeStatusString": answer, "PopupScene": "0"}]
    return wechat("subscribe_msg_popup_event", rows, openid=openid, **more)


def turned_off(openid: str, template: str, **more: Any) -> Call:
    rows = [{"TemplateId": template, "SubscribeStatusString": "reject"}]
    return wechat("subscribe_msg_change_event", rows, openid=openid, **more)


def receipt(openid: str, template: str, message_id: str, code: str = "0", **more: Any) -> Call:
    rows = [{"TemplateId": template, "MsgID": message_id, "ErrorCode": code, "ErrorStatus": "success"}]
    return wechat("subscribe_msg_sent_event", rows, openid=openid, **more)


__all__ = [
    "PROVINCE_PATH", "Call", "popup", "province", "receipt", "replace", "signed_by_province", "turned_off", "wechat"
]  # fmt: skip
