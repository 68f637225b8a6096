"""Reads members of the province's data by name and type. What is missing or of another type makes the answer garbled.

Used by identity.py, catalogue.py and cases.py; a default would turn the province's slip into a citizen's fact.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from app.core.errors import PlatformGarbled, PlatformRefused
from app.platforms.province.codes import PLATFORM

SEGMENT: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")


def members(operation: str, data: object) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise PlatformGarbled(PLATFORM, operation, "shape")
    return data


def rows(operation: str, data: object) -> list[Mapping[str, Any]]:
    if not isinstance(data, list):
        raise PlatformGarbled(PLATFORM, operation, "shape")
    return [members(operation, row) for row in data]


def text(operation: str, data: Mapping[str, Any], name: str, longest: int = 200) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise PlatformGarbled(PLATFORM, operation, f"member_{name}")
    return value


def number(operation: str, data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    if type(value) is not int or value < 0:
        raise PlatformGarbled(PLATFORM, operation, f"member_{name}")
    return value


def instant(operation: str, data: Mapping[str, Any], name: str) -> datetime:
    """Unix milliseconds as an aware UTC instant."""
    try:
        return datetime.fromtimestamp(number(operation, data, name) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise PlatformGarbled(PLATFORM, operation, f"member_{name}") from None


def segment(operation: str, value: str) -> str:
    """A number of theirs as one path segment. One that could be more than a segment is refused without asking."""
    if not SEGMENT.fullmatch(value) or not value.strip("."):
        raise PlatformRefused(PLATFORM, operation, "bad_reference")
    return value
