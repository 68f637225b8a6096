"""Message push as WeChat emits it: safe mode, sorted-SHA1 msg_signature, AES-256-CBC with a 32-byte PKCS#7 block.

Written from wechat.md 5.2-5.3 and pinned by vectors V1 and V2 there; it shares no line with the receiving side. JSON by
default, with the quirk that a `List` of one is a bare object; XML and arrays on demand.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.platforms.bench import Bench, Delivery, Push
from config.settings import WechatApp

BLOCK: Final = 32
TIMEOUT_S: Final = 5.0
# "5 s without answer, three retries" (service-account message pages).
RETRY_AFTER_S: Final = (1.0, 2.0, 4.0)

WRAPPERS: Final = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
    "subscribe_msg_sent_event": "SubscribeMsgSentEvent",
}


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324  WeChat's choice, not ours


def encrypt(aes_key: str, app_id: str, message: bytes, random16: bytes | None = None) -> str:
    """WXBizMsgCrypt: base64(AES-256-CBC(random16, length, message, appid)), iv = the key's first half."""
    key = base64.b64decode(aes_key + "=")
    text = (random16 or secrets.token_bytes(16)) + len(message).to_bytes(4, "big") + message + app_id.encode()
    fill = BLOCK - len(text) % BLOCK
    machine = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(machine.update(text + bytes([fill]) * fill) + machine.finalize()).decode()


def as_json(members: Mapping[str, Any], items: Sequence[Mapping[str, Any]], *, bare: bool) -> bytes:
    """All leaf values are text in these events; one item stands bare unless arrays are asked for."""
    listed = items[0] if bare and len(items) == 1 else list(items)
    return json.dumps({**members, "List": listed}, ensure_ascii=False, separators=(",", ":")).encode()


def as_xml(members: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> bytes:
    head = "".join(_element(name, value) for name, value in members.items())
    rows = "".join("<List>" + "".join(_element(*pair) for pair in item.items()) + "</List>" for item in items)
    wrapper = WRAPPERS[members["Event"]]
    return f"<xml>{head}<{wrapper}>{rows}</{wrapper}></xml>".encode()


def _element(name: str, value: object) -> str:
    text = str(value)
    shown = text if text.isascii() and text.isdigit() else f"<![CDATA[{text}]]>"
    return f"<{name}>{shown}</{name}>"


def sealed_push(config: WechatApp, url: str, message: bytes, now_s: float, openid: str, *, forged: bool) -> Push:
    """The POST in safe mode. A forged one carries a signature over another token."""
    token = "not-the-token" if forged else config.push_token.get_secret_value()
    encrypted = encrypt(config.push_aes_key.get_secret_value(), config.app_id, message)
    timestamp, nonce = str(int(now_s)), str(secrets.randbelow(10**10))
    query = {
        "signature": signature(token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": openid,
        "encrypt_type": "aes",
        "msg_signature": signature(token, timestamp, nonce, encrypted),
    }
    xml = message.startswith(b"<")
    body = (
        f"<xml><ToUserName><![CDATA[{config.original_id}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        if xml
        else json.dumps({"ToUserName": config.original_id, "Encrypt": encrypted}, separators=(",", ":"))
    )
    headers = {"Content-Type": "text/xml" if xml else "application/json", "User-Agent": "Mozilla/4.0"}
    return Push(url=f"{url}?{urlencode(query)}", headers=headers, body=body.encode())


def url_check(config: WechatApp, url: str, now_s: float, echostr: str, *, forged: bool = False) -> Push:
    """The GET that the console sends when the form is saved."""
    token = "not-the-token" if forged else config.push_token.get_secret_value()
    timestamp, nonce = str(int(now_s)), str(secrets.randbelow(10**10))
    query = {
        "signature": signature(token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "echostr": echostr,
    }
    return Push(url=f"{url}?{urlencode(query)}", headers={}, body=b"", method="GET")


class Emitter:
    """Turns an event into a delivery in the chosen format. `last` is kept so that a page can send it again."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.reset()

    def reset(self) -> None:
        self.format = "json"
        self.bare = True
        self.last: Delivery | None = None

    def callback_url(self, config: WechatApp) -> str:
        return f"{self._bench.settings.public_base_url.rstrip('/')}/callbacks/wechat/{config.app_id}"

    def emit(self, config: WechatApp, openid: str, event: str, items: Sequence[Mapping[str, Any]]) -> None:
        members = {
            "ToUserName": config.original_id,
            "FromUserName": openid,
            "CreateTime": str(int(self._bench.now())),
            "MsgType": "event",
            "Event": event,
        }
        message = as_xml(members, items) if self.format == "xml" else as_json(members, items, bare=self.bare)
        url = self.callback_url(config)

        # Each attempt is encrypted and signed anew, as a repeat by WeChat carries its own time and nonce.
        def build(forged: bool) -> Push:
            return sealed_push(config, url, message, self._bench.now(), openid, forged=forged)

        self.last = Delivery(
            f"push/wechat/{event}", build, accepted=taken, retry_after_s=RETRY_AFTER_S, timeout_s=TIMEOUT_S
        )
        self._bench.push(self.last)


def taken(status: int, body: bytes) -> bool:
    """`success` or an empty body in a 200 ends the repeats."""
    return status == 200 and body.strip() in {b"", b"success"}  # noqa: PLR2004  HTTP OK
