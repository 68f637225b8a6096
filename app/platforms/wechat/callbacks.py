"""Message push, WeChat -> us (消息推送 and 订阅消息事件推送 pages, 2026-07): unproven bytes in, a PlatformEvent out.

The order is the defence (security.md C1-C7): app by route, signature over the bytes in constant time, time window, and
only then decryption, parsing, shape. Safe mode only. What fails before the signature held is `Forged`; what fails after
it is `Malformed` with one word for everything, so neither answers nor logs tell padding from parsing.

Found by the registry as `verify` and `answer_probe`. It stores nothing, calls nobody, and answers nothing itself.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from app.core import strictjson
from app.core.inbound import Forged, Inbound, Malformed
from app.platforms.base import PlatformEvent
from app.platforms.wechat import xmlguard
from app.platforms.wechat.events import BadShape, read_event
from app.platforms.wechat.pushcrypt import Unreadable, is_signed, open_message
from app.platforms.wechat.sdk import read_xml
from config.settings import WechatApp, get_settings

SKEW_S: Final = 300
MAX_BODY_BYTES: Final = xmlguard.MAX_BYTES
MAX_QUERY_CHARS: Final = 2048
TIMESTAMP: Final = re.compile(r"[0-9]{9,11}")
NONCE: Final = re.compile(r"[\x21-\x7e]{1,128}")
ECHO: Final = re.compile(rb"[A-Za-z0-9_=+/-]{1,256}")


def verify(inbound: Inbound) -> PlatformEvent:
    """Raises Forged (nothing proves it is WeChat) or Malformed (it is WeChat's key, and not what we agreed on)."""
    app = _app(inbound)
    query = _query(inbound)
    if query.get("encrypt_type") != "aes":
        raise Forged("plain_mode")
    encrypted = _encrypted(inbound.body)
    token = app.push_token.get_secret_value()
    if not is_signed(_need(query, "msg_signature"), token, query["timestamp"], query["nonce"], encrypted):
        raise Forged("signature")
    _refuse_stale(query["timestamp"], inbound.received_at)
    return _event(app, encrypted, query)


def answer_probe(inbound: Inbound) -> bytes:
    """The echo for the console's GET, of harmless characters and to be sent as plain text. Raises Forged."""
    app = _app(inbound)
    query = _query(inbound)
    token = app.push_token.get_secret_value()
    if not is_signed(_need(query, "signature"), token, query["timestamp"], query["nonce"]):
        raise Forged("signature")
    _refuse_stale(query["timestamp"], inbound.received_at)
    echo = _need(query, "echostr").encode()
    # The echo is not covered by the signature, so it may only be what WeChat sends: digits, or at most base64.
    if not ECHO.fullmatch(echo):
        raise Forged("echo")
    return echo


def _app(inbound: Inbound) -> WechatApp:
    app = get_settings().wechat_app(inbound.app_id)
    if app is None:
        raise Forged("unknown_app")
    return app


def _query(inbound: Inbound) -> dict[str, str]:
    """The query, each name once; `timestamp` and `nonce` are there and well formed."""
    if len(inbound.query) > MAX_QUERY_CHARS:
        raise Forged("query")
    try:
        pairs = parse_qsl(
            inbound.query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=20
        )
    except ValueError:
        raise Forged("query") from None
    query = dict(pairs)
    if len(query) != len(pairs):
        raise Forged("query")
    if not TIMESTAMP.fullmatch(_need(query, "timestamp")) or not NONCE.fullmatch(_need(query, "nonce")):
        raise Forged("query")
    return query


def _need(query: Mapping[str, str], name: str) -> str:
    if name not in query:
        raise Forged("query")
    return query[name]


def _refuse_stale(timestamp: str, received_at: datetime) -> None:
    # Both directions: a time ahead of ours would otherwise stay replayable for as long as it is ahead.
    if abs(received_at.timestamp() - int(timestamp)) > SKEW_S:
        raise Forged("stale")


def _encrypted(body: bytes) -> str:
    """The Encrypt member: the least parsing that a signature over it needs. The first byte tells the format."""
    if len(body) > MAX_BODY_BYTES:
        raise Forged("too_large")
    try:
        found = xmlguard.single_text(xmlguard.read(body), "Encrypt") if body[:1] == b"<" else _json(body).get("Encrypt")
    except (xmlguard.BadXml, strictjson.InvalidJson):
        raise Forged("envelope") from None
    if not isinstance(found, str) or not found:
        raise Forged("envelope")
    return found


def _json(raw: bytes) -> dict[str, Any]:
    members = strictjson.loads(raw, max_bytes=MAX_BODY_BYTES, integers="platform")
    if not isinstance(members, dict):
        raise strictjson.InvalidJson("syntax")
    return members


def _event(app: WechatApp, encrypted: str, query: Mapping[str, str]) -> PlatformEvent:
    try:
        message = open_message(app.push_aes_key.get_secret_value(), app.app_id, encrypted)
        members = read_xml(message) if message[:1] == b"<" else _json(message)
        seen = read_event(members, app.original_id)
    except (Unreadable, BadShape, xmlguard.BadXml, strictjson.InvalidJson):
        raise Malformed("unreadable") from None
    return PlatformEvent(
        kind=seen.kind,
        event_id=seen.event_id,
        nonce=hashlib.sha256(f"{query['timestamp']}|{query['nonce']}".encode()).hexdigest(),
        occurred_at=datetime.fromtimestamp(seen.created_s, UTC),
        data=seen.data,
    )
