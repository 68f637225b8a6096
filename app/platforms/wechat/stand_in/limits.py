"""WeChat's own check of template values (page "参数值内容限制"): the stand-in must not trust the client's.

One predicate per field type, over the whole value.
"""

import re
from collections.abc import Callable
from typing import Final


def _chinese(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" or char >= "\U00020000" or char in "〇·"


def _printable(value: str) -> bool:
    return all(ord(char) >= 0x20 and ord(char) != 0x7F for char in value)  # noqa: PLR2004  the control characters and DEL


def _short(limit: int) -> Callable[[str], bool]:
    return lambda value: len(value) <= limit


def _like(pattern: str, limit: int) -> Callable[[str], bool]:
    return lambda value: len(value) <= limit and re.fullmatch(pattern, value, re.ASCII) is not None


def _name(value: str) -> bool:
    limit = 10 if any(_chinese(char) for char in value) else 20
    return len(value) <= limit and not any(char.isdigit() for char in value)


def _moment(value: str) -> bool:
    """Dates and times are told apart by their separators; ranges by `~`."""
    parts = value.split("~")
    alone_or_pair = len(parts) <= 2  # noqa: PLR2004  a time, or the two ends of a span
    return alone_or_pair and all(re.fullmatch(r"[0-9年月日:/. -]{3,20}", part, re.ASCII) for part in parts)


def _clock(value: str) -> bool:
    return _moment(value) and all(
        re.search(r"(^|[ 日])([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?$", p) for p in value.split("~")
    )


CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "thing": _short(20),
    "number": _like(r"[0-9.-]+", 32),
    "letter": _like(r"[A-Za-z]+", 32),
    "symbol": _short(5),
    "character_string": _like(r"[ -~]+", 32),
    "time": _clock,
    "date": _moment,
    "amount": lambda value: re.fullmatch(r"\D?[0-9]{1,10}(\.[0-9]+)?元?", value) is not None,
    "phone_number": _like(r"[0-9+() -]+", 17),
    "car_number": _short(8),
    "name": _name,
    "phrase": lambda value: len(value) <= 5 and all(_chinese(char) for char in value),  # noqa: PLR2004  as documented
    "enum": _short(20),
    "enum_string": _short(20),
}


def acceptable(key: str, value: object) -> bool:
    """Whether `data.<key>.value` would pass. Empty values do not."""
    check = CHECKS.get(key.rstrip("0123456789"))
    return check is not None and isinstance(value, str) and bool(value) and _printable(value) and check(value)
