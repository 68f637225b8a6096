"""Filling words into texts, and nothing cleverer: `{{name}}` is replaced by a tokenizer, once, from an allow-list.

No template engine and no str.format ever sees these texts (security.md M1): `{{7*7}}`, `{0.__class__}`, `%s` and `${}`
are letters, and a value that looks like a placeholder is not filled again. Values are held to the
kind's limits and to printable text (M2). Pure functions; called by rules, operators and deliver.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.messages import KINDS, Kind, Wording

PLACEHOLDER: Final = re.compile(r"\{\{([a-z][a-z0-9_]{0,31})\}\}")
# Controls, private use, surrogates, and format characters (bidi overrides, zero-width): Unicode categories.
UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


class BadValue(ValueError):
    """A value that cannot be shown. `name` is the value's, `code` one word: unknown, required, length, text."""

    def __init__(self, name: str, code: str) -> None:
        super().__init__(f"{name} {code}")
        self.name = name
        self.code = code


@dataclass(frozen=True)
class Text:
    """A title and a body ready to be read."""

    title: str
    body: str


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace the placeholders that `values` names; every other character stays as it is."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def names_in(text: str) -> frozenset[str]:
    return frozenset(PLACEHOLDER.findall(text))


def is_printable(text: str) -> bool:
    return not any(unicodedata.category(char) in UNPRINTABLE for char in text)


def printable(text: str) -> str:
    """For text a platform wrote, which nobody can send back to be mended: what cannot be shown is left out."""
    return "".join(char for char in text if unicodedata.category(char) not in UNPRINTABLE)


def checked(kind_name: str, values: Mapping[str, str]) -> dict[str, str]:
    """The values of one message, complete and within the kind's limits. Raises BadValue."""
    kind = KINDS[kind_name]
    for name in values:
        if name not in kind.values:
            raise BadValue(name, "unknown")
    for name, most in kind.values.items():
        _check_one(name, values.get(name), most)
    return dict(values)


def _check_one(name: str, value: str | None, most: int) -> None:
    if not value:
        raise BadValue(name, "required")
    if len(value) > most:
        raise BadValue(name, "length")
    if not is_printable(value):
        raise BadValue(name, "text")


def reads(wording: Wording, values: Mapping[str, str]) -> Text:
    return Text(fill(wording.title, values), fill(wording.body, values))


def page_of(kind: Kind, values: Mapping[str, str]) -> str | None:
    """The mini-program page a tap opens: always the kind's own, only its parameters are values (M2)."""
    if kind.page is None:
        return None
    return fill(kind.page, {name: value for name, value in values.items() if _is_parameter(value)})


def _is_parameter(value: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) is not None


def payload(fields: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Each template field with its text; the channel's folder holds them to the channel's limits."""
    return {key: fill(text, values) for key, text in fields.items()}
