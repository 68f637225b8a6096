"""Prefixed, time-ordered ids: `cs_` + 26 Crockford base32 characters of a UUIDv7 (RFC 9562: 74 random bits).

Ids are names, never the protection: what a caller may see is decided by ownership.
"""

import re
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_FORM = re.compile(r"([a-z]{2,4})_([0-7][0-9a-hjkmnp-tv-z]{25})")
_RANDOM_BITS = 74


def _uuid7() -> int:
    milliseconds = time.time_ns() // 1_000_000
    rand = secrets.randbits(_RANDOM_BITS)
    rand_a, rand_b = rand >> 62, rand & ((1 << 62) - 1)
    return (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b


# Two characters at a time: an id is made for every row and every call.
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_SHIFTS = range(120, -1, -10)


def new_id(prefix: str) -> str:
    value = _uuid7()
    return f"{prefix}_{''.join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS])}"


def is_id(prefix: str, text: str) -> bool:
    """Whether `text` has the form of an id with this prefix; says nothing of its existence."""
    match = _FORM.fullmatch(text)
    return match is not None and match[1] == prefix
