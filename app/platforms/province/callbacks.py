"""The province's callbacks (province.md 3.6): signature over the raw bytes first, then time, then a strict reading.

Called by the callback pipeline through the registry. What comes out is a hint to go and ask: nothing in a callback is
believed beyond which case or check it speaks of.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from app.core import strictjson
from app.core.inbound import Forged, Inbound, Malformed
from app.platforms.base import CallbackKind, PlatformEvent
from app.platforms.schemes.base import CallParts, Credential, Proof, SignatureRefused
from app.platforms.schemes.pcb import PCB_SHA256, PCB_SM3
from config.settings import get_settings

ROUTE: Final = "events"
# An event names a case or a check and little else; anything larger carries what we must not receive (V8).
LARGEST_BYTES: Final = 16 * 1024
EVENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
NUMBER: Final = re.compile(r"[\x21-\x7e]{1,64}")
WORD: Final = re.compile(r"[a-z]{1,20}\.[a-z]{1,20}")
REPLY: Final = b'{"code":0}'


def verify(inbound: Inbound) -> PlatformEvent:
    """Raises Forged for what is not signed, fresh and for this door; Malformed for what is, and cannot be read."""
    if inbound.app_id != ROUTE or len(inbound.body) > LARGEST_BYTES:
        raise Forged("route" if inbound.app_id != ROUTE else "size")
    proof = _proof(inbound)
    event = _members(inbound.body)
    kind, data = _meaning(event)
    return PlatformEvent(
        kind=kind,
        event_id=_formed(event.get("eventId"), EVENT_ID),
        nonce=proof.nonce,
        occurred_at=_instant(event.get("at")),
        data=data,
        reply=REPLY,
        reply_type="application/json",
    )


def _proof(inbound: Inbound) -> Proof:
    settings = get_settings()
    credential = Credential(settings.province_callback_key_id, settings.province_callback_secret.get_secret_value())
    target = f"{inbound.path}?{inbound.query}" if inbound.query else inbound.path
    parts = CallParts(inbound.method, target, inbound.body)
    now_s = int(inbound.received_at.timestamp())
    try:
        return PCB_SHA256.verify_inbound(credential, parts, inbound.headers, at_s=now_s)
    except SignatureRefused as refused:
        if refused.reason != "signature":
            raise Forged(refused.reason) from None
    # The province may sign with either digest; both are HMACs under the one secret, so neither weakens the other.
    try:
        return PCB_SM3.verify_inbound(credential, parts, inbound.headers, at_s=now_s)
    except SignatureRefused as refused:
        raise Forged(refused.reason) from None


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        event = strictjson.loads(body, max_bytes=LARGEST_BYTES, integers="platform")
    except strictjson.InvalidJson as error:
        raise Malformed(f"json_{error.reason}") from None
    if not isinstance(event, dict):
        raise Malformed("shape")
    return event


def _meaning(event: Mapping[str, Any]) -> tuple[CallbackKind, Mapping[str, Any]]:
    """Our kind and the members we keep; what else came (results, scores, tokens) is left where it is."""
    kind = _formed(event.get("type"), WORD)
    if kind not in READERS:
        return CallbackKind.IGNORED, {"type": kind}
    data = event.get("data")
    if not isinstance(data, dict):
        raise Malformed("shape")
    return READERS[kind](event, data)


def _case_state(event: Mapping[str, Any], _data: Mapping[str, Any]) -> tuple[CallbackKind, Mapping[str, Any]]:
    return CallbackKind.CASE_STATE, {"case_no": _formed(event.get("caseNo"), NUMBER), "seq": _seq(event)}


def _face(event: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[CallbackKind, Mapping[str, Any]]:
    _seq(event)
    return CallbackKind.FACE_DONE, {"ref_id": _formed(data.get("refId"), NUMBER)}


Reader = Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[CallbackKind, Mapping[str, Any]]]
# Every event that counts in a case's `seq` is a reason to ask for the case; only its number differs.
READERS: Final[Mapping[str, Reader]] = {
    "identity.face": _face,
    "case.state": _case_state,
    "case.correction": _case_state,
    "case.suspend": _case_state,
    "case.resume": _case_state,
}


def _formed(value: object, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or form.fullmatch(value) is None:
        raise Malformed("shape")
    return value


def _seq(event: Mapping[str, Any]) -> int:
    seq = event.get("seq")
    if type(seq) is not int or seq < 0:
        raise Malformed("shape")
    return seq


def _instant(value: object) -> datetime:
    if type(value) is not int or value < 0:
        raise Malformed("shape")
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise Malformed("shape") from None
