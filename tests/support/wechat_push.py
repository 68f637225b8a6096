"""Builds a WeChat push stage by stage, so that a test can spoil exactly one stage and keep the rest genuine.

    members -> message -> padded plaintext -> ciphertext -> Encrypt -> signature -> body and query

The account is the one of our reference vectors (app id, Token, EncodingAESKey, time); nobody real uses it.
"""

import base64
import hashlib
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.core.inbound import Inbound
from app.platforms.wechat import callbacks
from config.settings import WechatApp

APP_ID = "wx0123456789abcdef"
TOKEN = "sandboxtoken"
AES_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
ORIGINAL_ID = "gh_0123456789ab"
NOW = 1750000000
NONCE = "829117"
APP = WechatApp(app_id=APP_ID, secret="s" * 32, push_token=TOKEN, push_aes_key=AES_KEY, original_id=ORIGINAL_ID)
SENT = {
    "ToUserName": ORIGINAL_ID,
    "FromUserName": "oSandboxUser0001",
    "CreateTime": "1750000000",
    "MsgType": "event",
    "Event": "subscribe_msg_sent_event",
    "List": {"TemplateId": "TPL_A", "MsgID": "1864323726461255680", "ErrorCode": "0", "ErrorStatus": "success"},
}


def serve(monkeypatch, *apps: WechatApp) -> None:
    """callbacks.py sees exactly these apps."""
    table = {app.app_id: app for app in apps or (APP,)}
    monkeypatch.setattr(callbacks, "get_settings", lambda: SimpleNamespace(wechat_app=table.get))


def sign(*parts: str) -> str:
    joined = "".join(sorted(parts)).encode("utf-8", "surrogateescape")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def message(members: Any) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def plaintext(text: bytes, *, app_id: str = APP_ID, length: int | None = None, fill: bytes | None = None) -> bytes:
    size = len(text) if length is None else length
    bare = b"0123456789abcdef" + size.to_bytes(4, "big") + text + app_id.encode()
    pad = 32 - len(bare) % 32
    return bare + (bytes([pad]) * pad if fill is None else fill)


def encrypt(padded: bytes, aes_key: str = AES_KEY) -> bytes:
    key = base64.b64decode(aes_key + "=")
    machine = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).encryptor()
    return machine.update(padded) + machine.finalize()


def sealed(members: Any = SENT, app: WechatApp = APP) -> str:
    raw = members if isinstance(members, bytes) else message(members)
    key = app.push_aes_key.get_secret_value()
    return base64.b64encode(encrypt(plaintext(raw, app_id=app.app_id), key)).decode()


def query(encrypted: str, token: str = TOKEN, at: int = NOW, **changes: str | None) -> str:
    parts = {
        "signature": sign(token, str(at), NONCE),
        "timestamp": str(at),
        "nonce": NONCE,
        "openid": "oSandboxUser0001",
        "encrypt_type": "aes",
        "msg_signature": sign(token, str(at), NONCE, encrypted),
    }
    return urlencode({name: value for name, value in (parts | changes).items() if value is not None})


def body(encrypted: Any) -> bytes:
    return message({"ToUserName": ORIGINAL_ID, "Encrypt": encrypted})


def xml_body(encrypted: str) -> bytes:
    return (
        f"<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    ).encode()


def inbound(raw_query: str, raw_body: bytes, app_id: str = APP_ID, at: float = NOW) -> Inbound:
    path = f"/callbacks/wechat/{app_id}"
    received = datetime.fromtimestamp(at, UTC)
    return Inbound("wechat", app_id, "POST", path, raw_query, {}, raw_body, received)


def genuine(members: Any = SENT, at: float = NOW) -> Inbound:
    """A push as WeChat sends it; `members` may be raw bytes of a message (XML)."""
    encrypted = sealed(members)
    wrap = xml_body if isinstance(members, bytes) and members.startswith(b"<") else body
    return inbound(query(encrypted), wrap(encrypted), at=at)
