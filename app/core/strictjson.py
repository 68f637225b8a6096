"""The one JSON door (security.md I1): everything that arrives is read by `loads`, everything that leaves by `dumps`.

Used for client bodies, platform answers, callbacks and sealed rows alike, so two readers can never disagree about one
text. It never repairs: no duplicate keys, no NaN, no other encoding than UTF-8, no nesting a parser could fall into.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Final, Literal, NoReturn

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32
# "-9223372036854775808" has 20 characters; a longer run of digits is refused before anybody turns it into a number.
MAX_INTEGER_TEXT: Final = 20
MAX_FLOAT_TEXT: Final = 64
SAFE_INTEGER: Final = 2**53
INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

Integers = Literal["client", "platform"]

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


class InvalidJson(ValueError):
    """Not JSON as we read it. `reason` is one static word: too_large, encoding, depth, syntax, duplicate_key,
    number, text. The offending text is never part of the message.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def loads(raw: bytes, *, max_bytes: int = MAX_BYTES, integers: Integers = "client") -> Any:
    """Read one JSON text (RFC 8259). `integers`: "client" within +-2^53, "platform" signed 64-bit (WeChat's msgid).

    Raises InvalidJson, and nothing else, for every input.
    """
    if len(raw) > max_bytes:
        raise InvalidJson("too_large")
    text = _decoded(raw)
    _refuse_depth(raw)
    try:
        value = _DECODERS[integers].decode(text)
    except InvalidJson:
        raise
    except ValueError:  # JSONDecodeError; its message quotes the input, so it is dropped
        raise InvalidJson("syntax") from None
    if "\\u" in text:  # a raw surrogate or NUL cannot pass UTF-8 and the parser; only an escape can make one
        _refuse_bad_text(value)
    return value


def dumps(value: Any) -> bytes:
    """Compact UTF-8 without escapes, members in the order given. Raises ValueError on NaN and lone surrogates."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def canonical(value: Any) -> bytes:
    """As `dumps`, members sorted by name: the form that is digested, so equal values have equal digests."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode()


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidJson("encoding") from None
    if text.startswith("\ufeff"):
        raise InvalidJson("encoding")
    return text


def _refuse_depth(raw: bytes) -> None:
    # Most bodies hold fewer brackets than the limit; counting them is two C loops. Only the rest is walked.
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKETS.findall(_STRING.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise InvalidJson("depth")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidJson("duplicate_key")
    return members


def _client_integer(text: str) -> int:
    return _integer(text, -SAFE_INTEGER, SAFE_INTEGER)


def _platform_integer(text: str) -> int:
    return _integer(text, INT64_MIN, INT64_MAX)


def _integer(text: str, low: int, high: int) -> int:
    if len(text) > MAX_INTEGER_TEXT:
        raise InvalidJson("number")
    value = int(text)
    if not low <= value <= high:
        raise InvalidJson("number")
    return value


def _float(text: str) -> float:
    value = float(text) if len(text) <= MAX_FLOAT_TEXT else math.inf
    if not math.isfinite(value):  # 1e999 is infinity without being written so
        raise InvalidJson("number")
    return value


def _constant(_text: str) -> NoReturn:
    raise InvalidJson("number")


def _refuse_bad_text(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise InvalidJson("text")
    elif isinstance(value, dict):
        _refuse_each(value)
        _refuse_each(value.values())
    elif isinstance(value, list):
        _refuse_each(value)


def _refuse_each(values: Iterable[Any]) -> None:
    for value in values:
        _refuse_bad_text(value)


_DECODERS: Final = {
    name: json.JSONDecoder(
        object_pairs_hook=_pairs, parse_int=reader, parse_float=_float, parse_constant=_constant, strict=True
    )
    for name, reader in (("client", _client_integer), ("platform", _platform_integer))
}
