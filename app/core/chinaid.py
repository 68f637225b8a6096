"""Check digits and shapes of mainland id numbers and unified social credit codes.

Called wherever such a number enters (identity, cases, the province client) or is made (bundled catalogue). Pure: no
clock of its own, no table, no network. It never says whether a number was issued, only whether it could have been.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

# GB 11643: 17 weighted digits, then a check character; X stands for ten.
ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS: Final = "10X98765432"
ID_SHAPE: Final = re.compile(r"[0-9]{17}[0-9X]")

# First two digits: provinces (GB/T 2260), 81-83 residence permits of Hong Kong, Macau and Taiwan residents, 9x the
# 2023 foreign permanent resident card. 99 is ours: no real region carries it, and an authority answers NOT_FOUND.
ID_REGIONS: Final = frozenset(
    str(code)
    for span in (
        range(11, 16),
        range(21, 24),
        range(31, 38),
        range(41, 47),
        range(50, 55),
        range(61, 66),
        (71, 81, 82, 83),
    )
    for code in span
)
FOREIGN_RESIDENT: Final = "9"
OLDEST_YEAR: Final = 1900

# GB 32100: no I, O, S, V, Z, so that a clerk cannot misread one.
USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
USCC_SHAPE: Final = re.compile(rf"[{USCC_ALPHABET}]{{18}}")


class BadIdNumber(ValueError):
    """`reason` is one of shape, region, date, future, check: a word for a field error, never the number itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class IdNumber:
    """A number that could have been issued. `value` is canonical: 18 characters, upper-case X."""

    value: str = field(repr=False)
    birth_on: date = field(repr=False)

    def age_on(self, today: date) -> int:
        """Whole years. Someone born on 29 February turns a year older on 1 March, as the Civil Code counts."""
        return today.year - self.birth_on.year - ((today.month, today.day) < (self.birth_on.month, self.birth_on.day))


def read_id_number(text: str, today: date) -> IdNumber:
    """Trimmed, upper-cased and checked; `today` is the day in +08:00. Raises BadIdNumber.

    Full-width and Arabic digits are refused rather than mapped: what people see must be what the authority reads.
    The 15-digit numbers of before 1999 have been void since 2013.
    """
    value = text.strip(" ").upper() if text.isascii() else text
    if not ID_SHAPE.fullmatch(value):
        raise BadIdNumber("shape")
    if value[:2] not in ID_REGIONS and value[0] != FOREIGN_RESIDENT:
        raise BadIdNumber("region")
    if id_check(value[:17]) != value[17]:
        raise BadIdNumber("check")
    return IdNumber(value, _birth(value[6:14], today))


def id_check(first17: str) -> str:
    """The 18th character of an id number whose first 17 digits are given."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, ID_WEIGHTS, strict=True))
    return ID_CHECKS[total % 11]


def _birth(digits: str, today: date) -> date:
    # A birth date is a date, never an instant: +08:00 had summer time from 1986 to 1991.
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise BadIdNumber("date") from None
    if born.year < OLDEST_YEAR:
        raise BadIdNumber("date")
    if born > today:
        raise BadIdNumber("future")
    return born


def uscc_check(first17: str) -> str:
    """The 18th character of a unified social credit code whose first 17 are given."""
    total = sum(USCC_ALPHABET.index(char) * weight for char, weight in zip(first17, USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[-total % 31]


def is_uscc(text: str) -> bool:
    """Whether `text` is a well-formed unified social credit code (GB 32100), upper case."""
    return bool(USCC_SHAPE.fullmatch(text)) and uscc_check(text[:17]) == text[17]
