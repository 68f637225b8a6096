"""What a template field may hold, by its type (page "参数值内容限制", 2026-07). messages.py asks before every send.

The type is the key minus its trailing digits (`thing1` -> thing). Lengths count characters. `thing` is cut to fit,
ending in an ellipsis, because a shortened name still informs; everything else is refused, because a cut number lies.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

KEY: Final = re.compile(r"([a-z_]+)([0-9]{1,3})")
THING_CHARS: Final = 20
HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3007\U00020000-\U0003ffff·"

# Year, month and day; year and month; month and day. The separator of a full date is the same twice (group 1).
_DATE = (
    r"(?:[0-9]{4}年[0-9]{1,2}月(?:[0-9]{1,2}日)?|[0-9]{1,2}月[0-9]{1,2}日"
    r"|[0-9]{4}([-/.])[0-9]{1,2}(?:\1[0-9]{1,2})?|[0-9]{1,2}[-/.][0-9]{1,2})"
)
_TIME = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"


class BadField(Exception):
    """One value does not fit its type; `field` is the template's key, never the value."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _moment(one: str) -> Callable[[str], bool]:
    """One moment, or two joined by `~`."""
    compiled = re.compile(one)
    return lambda value: len(value) <= 64 and all(compiled.fullmatch(part.strip()) for part in value.split("~", 1))  # noqa: PLR2004  two dates with times


def _name(value: str) -> bool:
    if re.fullmatch(r"[A-Za-z .'-]{1,20}", value):
        return True
    return re.fullmatch(rf"[{HAN}A-Za-z .'-]{{1,10}}", value) is not None


RULES: Final[Mapping[str, Callable[[str], bool]]] = {
    "thing": lambda value: len(value) <= THING_CHARS,
    "number": _matches(r"-?[0-9]{1,32}(?:\.[0-9]{1,31})?"),
    "letter": _matches(r"[A-Za-z]{1,32}"),
    "symbol": lambda value: len(value) <= 5 and not any(char.isalnum() for char in value),  # noqa: PLR2004  as documented
    "character_string": _matches(r"[\x21-\x7e ]{1,32}"),
    "time": _moment(rf"(?:{_DATE} ?)?{_TIME}"),
    "date": _moment(rf"{_DATE}(?: ?{_TIME})?"),
    "amount": _matches(r"[¥￥$€£]?[0-9]{1,10}(?:\.[0-9]{1,2})?元?"),
    "phone_number": _matches(r"[0-9+() -]{1,17}"),
    "car_number": _matches(rf"[{HAN}A-Za-z0-9][A-Za-z0-9]{{0,6}}[{HAN}A-Za-z0-9]"),
    "name": _name,
    "phrase": _matches(rf"[{HAN}]{{1,5}}"),
    # The template's own list decides; the stand-in and WeChat check it, we only keep it short and clean.
    "enum": lambda value: len(value) <= THING_CHARS,
    "enum_string": lambda value: len(value) <= THING_CHARS,
}


def fitted(values: Mapping[str, str]) -> dict[str, str]:
    """The values as they may be sent. Raises BadField for the first that cannot."""
    if not values:
        raise BadField("")
    return {key: _fit(key, value) for key, value in values.items()}


def _fit(key: str, value: str) -> str:
    named = KEY.fullmatch(key)
    rule = RULES.get(named.group(1)) if named else None
    if named is None or rule is None or not isinstance(value, str):
        raise BadField(key)
    text = value.strip()
    if named.group(1) == "thing" and len(text) > THING_CHARS:
        text = text[: THING_CHARS - 1] + "…"
    if not text or not _clean(text) or not rule(text):
        raise BadField(key)
    return text


def _clean(text: str) -> bool:
    """No control, format (bidi, zero-width), surrogate, private-use or line separator characters (security.md M2)."""
    return not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for char in text)
