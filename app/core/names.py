"""Personal names: what may be stored, and the form in which two of them are compared.

Called where a name enters and where it is indexed or matched. A name is stored exactly as given, because the
authority holds it exactly so: NFC alone turns U+FA19 into another character. Nothing here ever normalises.
"""

import unicodedata
from typing import Final

LONGEST: Final = 64

# Every dot people type between the parts of a Uyghur, Tibetan or foreign name.
DOT: Final = "\u00b7"
DOTS: Final = "\u2022\u2027\u30fb\uff0e\uff65"
# Zero-width characters arrive by copy and paste and are seen by nobody.
UNSEEN: Final = "\u200b\u200c\u200d\u2060\ufeff"
COMPARISON: Final = str.maketrans({**dict.fromkeys(DOTS, DOT), **dict.fromkeys(UNSEEN, None)})

# Some provinces keep rare characters in the private-use area; each needs its own table before one may come in.
PRIVATE_USE: Final[dict[str, str]] = {}
REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Cn", "Cf", "Zl", "Zp"})

# Planes 2 and 3 are hanzi only. Extensions H and I are younger than some Pythons' tables, their bearers are not.
RARE_HANZI: Final = range(0x20000, 0x3FFFE)
NONCHARACTER: Final = 0xFFFE


class BadName(ValueError):
    """`reason` is one of empty, length, character: a word for a field error, never the name itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_name(text: str) -> str:
    """The name as it is to be stored: `text` itself, code point for code point. Raises BadName."""
    if len(text) > LONGEST:
        raise BadName("length")
    if not all(_allowed(char) for char in text):
        raise BadName("character")
    if not comparison_form(text):
        raise BadName("empty")
    return text


def comparison_form(text: str) -> str:
    """The form for matching and blind indexes: dots unified, ends trimmed, invisible characters dropped.

    Nothing else is folded: compatibility characters and look-alikes are different people's names.
    """
    return text.translate(COMPARISON).strip()


def _allowed(char: str) -> bool:
    category = unicodedata.category(char)
    if category == "Co":
        return char in PRIVATE_USE
    return category not in REFUSED_CATEGORIES or char in UNSEEN or _is_rare_hanzi(ord(char))


def _is_rare_hanzi(point: int) -> bool:
    return point in RARE_HANZI and point & 0xFFFF < NONCHARACTER
