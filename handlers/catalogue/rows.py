"""One item as the province lists it, checked before it becomes a row. Called by the sync only; pure.

An item we cannot read is left out and counted, never guessed at: a wrong minimum level would open a service.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.catalogue.models import ACTIVE

LEVELS: Final = ("L0", "L1", "L2", "L3")
REGION: Final = re.compile(r"[0-9]{12}")
CODE: Final = re.compile(r"[0-9A-Z]{12,40}")
LONGEST_NAME: Final = 200


class BadItem(ValueError):
    """The member named by the text is missing or not of its form."""


@dataclass(frozen=True)
class Row:
    """What the columns hold; `body` is the whole item."""

    code: str
    basic_code: str
    name: str
    search: str
    type: str
    min_level: str
    region: str
    version: str
    status: str
    body: Mapping[str, Any]


def read(item: Mapping[str, Any]) -> Row:
    """Raises BadItem naming the member."""
    name = _text(item, "name")
    return Row(
        code=_formed(item, "code", CODE),
        basic_code=_text(item, "basic_code"),
        name=name,
        search="\n".join([name, *_texts(item.get("aliases", []))]).lower(),
        type=_text(item, "type"),
        min_level=_chosen(item, "min_level", LEVELS),
        region=_formed(item, "region", REGION),
        version=_text(item, "version"),
        status=_text(item, "status") if "status" in item else ACTIVE,
        body=item,
    )


def _text(item: Mapping[str, Any], member: str) -> str:
    value = item.get(member)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise BadItem(member)
    return value


def _formed(item: Mapping[str, Any], member: str, form: re.Pattern[str]) -> str:
    value = _text(item, member)
    if form.fullmatch(value) is None:
        raise BadItem(member)
    return value


def _chosen(item: Mapping[str, Any], member: str, choices: tuple[str, ...]) -> str:
    value = _text(item, member)
    if value not in choices:
        raise BadItem(member)
    return value


def _texts(values: object) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadItem("aliases")
    return values
