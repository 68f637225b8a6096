"""The head of the plainest answer, read in one look; everything else is left to http.client. Called by wire.py only.

Nearly every answer is "HTTP/1.1, a length, nothing odd", and for that a general parser costs more than the call's
whole policy. `plain` knows this one form and answers None to anything beside it, so it has nothing to forgive and no
error of its own: what it does not take is judged by wire.py and http.client as if `plain` were not there.
"""

import re
from typing import Final, NamedTuple

# RFC 9112: status line, then field lines of a token, a colon and visible ASCII; no folding, no empty name.
_HEAD: Final = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2}) [\t\x20-\x7e]*\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*\r\n){1,40})\r\n"
)
_LENGTH: Final = re.compile(r"0|[1-9][0-9]{0,9}")
# Each of these changes where the body ends or what it means.
_UNUSUAL: Final = frozenset({"transfer-encoding", "content-encoding", "trailer", "upgrade"})
_BODILESS: Final = frozenset({204, 304})


class Plain(NamedTuple):
    """Status, fields by lower-case name, the body's length and where it starts in the bytes that were given."""

    status: int
    fields: dict[str, str]
    length: int
    start: int
    will_close: bool


def plain(received: bytes) -> Plain | None:
    """The head at the start of what was received, if it is whole and of the plainest form."""
    found = _HEAD.match(received)
    fields = found and _fields(found[2])
    if not found or not fields:
        return None
    status, length = int(found[1]), fields.get("content-length", "")
    connection = fields.get("connection", "keep-alive").lower()
    if status in _BODILESS or not _LENGTH.fullmatch(length) or connection not in {"keep-alive", "close"}:
        return None
    return Plain(status, fields, int(length), found.end(), connection == "close")


def _fields(lines: bytes) -> dict[str, str] | None:
    """None when a name comes twice or is one of the unusual ones."""
    fields: dict[str, str] = {}
    for line in lines.decode("ascii").split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        lower = name.lower()
        if lower in fields or lower in _UNUSUAL:
            return None
        fields[lower] = value.strip(" \t")
    return fields
