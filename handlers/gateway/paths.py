"""The path below `/call`: the raw target judged once, then matched against what the service declared. Pure.

    raw target of the wire -> split at "?" -> egress.checked_path -> an operation's pattern -> the upstream's URL

What is matched, what is signed and what is sent is one and the same text (security.md X5).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from app.core.egress import BadPath, checked_path

CALL: Final = re.compile(r"/v1/services/(sv_[0-9a-hjkmnp-tv-z]{26})/call(/.*)", re.DOTALL)
PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")
PATTERN: Final = re.compile(r"(?:/(?:[A-Za-z0-9._~-]{1,64}|\{[a-z][a-z0-9_]{0,31}\})){1,16}")
LONGEST: Final = 2048
MOST_PARAMETERS: Final = 32


class BadQuery(ValueError):
    """`name` is the parameter when it can be named, else ""; `reason` one static word."""

    def __init__(self, reason: str, name: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.name = name


@dataclass(frozen=True, slots=True)
class Target:
    """A request target as it came: the service, the path below /call still encoded, the query still encoded."""

    service_id: str
    raw_path: str
    raw_query: str


def split(raw_target: str) -> Target | None:
    """None when the raw target does not literally begin as ours: absolute form, encoded prefix, another host's path."""
    path, _, query = raw_target.partition("?")
    found = CALL.fullmatch(path)
    return None if found is None else Target(found[1], found[2], query)


def checked(raw_path: str) -> str:
    """The one spelling of the path that is matched and sent. Raises BadPath."""
    if len(raw_path) > LONGEST:
        raise BadPath("length")
    path = checked_path(raw_path)
    if path.endswith("/"):
        raise BadPath("empty_segment")
    return path


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> "re.Pattern[str]":
    """`/cards/{card_no}` as a regular expression over checked paths; a placeholder is exactly one segment."""
    literal = PLACEHOLDER.split(pattern)[::2]
    return re.compile("[^/]+".join(re.escape(text) for text in literal))


def rewritten_query(raw_query: str, declared: Iterable[str]) -> str:
    """The query in our own spelling: declared names only, each once, values decoded once and encoded anew.

    Raises BadQuery: escape, encoding, character, repeated, unknown, count.
    """
    if not raw_query:
        return ""
    pairs: dict[str, str] = {}
    allowed = frozenset(declared)
    for part in raw_query.split("&"):
        name, value = _pair(part)
        if name in pairs:
            raise BadQuery("repeated", name)
        if name not in allowed:
            raise BadQuery("unknown", name)
        pairs[name] = value
    return _joined(pairs)


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return _decoded(name), _decoded(value)


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise BadQuery("escape")
    try:
        value = unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise BadQuery("encoding") from None
    if any(char < " " or char == "\x7f" for char in value):
        raise BadQuery("character")
    return value


def _joined(pairs: Mapping[str, str]) -> str:
    if len(pairs) > MOST_PARAMETERS:
        raise BadQuery("count")
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs.items())
