"""The shape of a decrypted push and its neutral meaning, whichever body format brought it. For callbacks.py.

Quirks that are let through on purpose (订阅消息事件推送 page): `List` is an array, or the bare object when there is one
item; numbers come as text in these events and as numbers elsewhere; MsgID is an int64. Everything else of another type
is refused (security.md C5). Events and messages we have no use for are acknowledged as IGNORED.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.platforms.base import CallbackKind

MAX_ITEMS: Final = 50
TEXT: Final = re.compile(r"[^\x00-\x1f\x7f]{1,512}")
OPENID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
NUMBER: Final = re.compile(r"[0-9]{1,19}")
SIGNED_NUMBER: Final = re.compile(r"-?[0-9]{1,10}")
ANSWERS: Final = frozenset({"accept", "reject"})
YEAR_2100_S: Final = 4_102_444_800


class BadShape(Exception):
    """Not an event as documented; says no more."""


@dataclass(frozen=True)
class Seen:
    """`event_id` is the same for every repeat WeChat makes of one event; `data` as app.platforms.base says."""

    kind: CallbackKind
    event_id: str
    created_s: int
    data: Mapping[str, Any] = field(repr=False)


def read_event(members: Mapping[str, Any], original_id: str) -> Seen:
    """Raises BadShape, and nothing else, for every JSON-like mapping; also when it is for another account."""
    # The route named the app and the tail of the plaintext confirmed it; the account inside must be the same one.
    if members.get("ToUserName") != original_id:
        raise BadShape
    sender, created_s = _text(members, "FromUserName", OPENID), int(_number(members, "CreateTime"))
    if created_s > YEAR_2100_S:
        raise BadShape
    if _text(members, "MsgType") != "event":
        # Service messages repeat with the same MsgId; nothing here answers them.
        return _seen(CallbackKind.IGNORED, sender, created_s, "message", (_number(members, "MsgId"),), {})
    event = _text(members, "Event")
    reader = READERS.get(event)
    if reader is None:
        return _seen(CallbackKind.IGNORED, sender, created_s, event, (), {})
    kind, item = reader
    items = [item(row) for row in _rows(members)]
    # FromUserName + CreateTime + Event is WeChat's rule; what the rows are about keeps apart two of one second.
    about = tuple(sorted(f"{row['template_id']}:{row.get('message_id', '')}" for row in items))
    return _seen(kind, sender, created_s, event, about, {"openid": sender, "items": items})


def _seen(
    kind: CallbackKind, sender: str, created_s: int, event: str, about: tuple[str, ...], data: Mapping[str, Any]
) -> Seen:
    digest = hashlib.sha256("|".join((sender, str(created_s), event, *about)).encode()).hexdigest()
    return Seen(kind, digest, created_s, data)


def _rows(members: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = members.get("List")
    rows = [listed] if isinstance(listed, dict) else listed
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_ITEMS or not all(isinstance(row, dict) for row in rows):
        raise BadShape
    return rows


def _answer(source: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def read(row: Mapping[str, Any]) -> dict[str, Any]:
        answer = _text(row, "SubscribeStatusString")
        if answer not in ANSWERS:
            raise BadShape
        return {"template_id": _text(row, "TemplateId"), "answer": answer, "source": source}

    return read


def _receipt(row: Mapping[str, Any]) -> dict[str, Any]:
    code = _number(row, "ErrorCode", SIGNED_NUMBER)
    return {
        "template_id": _text(row, "TemplateId"),
        "message_id": _number(row, "MsgID"),
        "ok": int(code) == 0,
        "code": code,
        # Non-zero codes are unpublished, so their text is kept as it came; an empty one is no reason to refuse.
        "status": "" if row.get("ErrorStatus") in (None, "") else _text(row, "ErrorStatus"),
    }


Reader = tuple[CallbackKind, Callable[[Mapping[str, Any]], dict[str, Any]]]

READERS: Final[Mapping[str, Reader]] = {
    "subscribe_msg_popup_event": (CallbackKind.GRANTS, _answer("popup")),
    "subscribe_msg_change_event": (CallbackKind.GRANTS, _answer("change")),
    "subscribe_msg_sent_event": (CallbackKind.RECEIPT, _receipt),
}


def _text(members: Mapping[str, Any], name: str, shape: re.Pattern[str] = TEXT) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise BadShape
    return value


def _number(members: Mapping[str, Any], name: str, shape: re.Pattern[str] = NUMBER) -> str:
    """A number, or its decimal digits as text; given back as text. True is no number."""
    value = members.get(name)
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not shape.fullmatch(text):
        raise BadShape
    return text
