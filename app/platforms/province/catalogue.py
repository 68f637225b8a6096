"""The province's catalogue (province.md 3.3) in our spelling. Part of authority.AUTHORITY.

Rows are the contract's Items and Guides with snake_case names and nothing else changed; the catalogue room checks what
it builds on. Nothing here is personal.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from app.platforms.base import CasePage
from app.platforms.province import client, reading
from app.platforms.province.client import Ask

VERSION: Final = "catalog.version"
ITEMS: Final = "catalog.items"
GUIDE: Final = "items.guide"
REGIONS: Final = "regions"
HUMP: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Catalogue:
    """The catalogue half of base.Province. Stateless."""

    def catalogue_version(self) -> str:
        data = reading.members(VERSION, client.ask(Ask(VERSION, "GET", "/catalog/version")).data)
        return reading.text(VERSION, data, "version", 64)

    def list_items(self, version: str, cursor: str | None, limit: int) -> CasePage:
        """One page of the snapshot; PlatformRefused 40401 when the version is no longer served: start again."""
        query = {"version": version, "limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        told = client.ask(Ask(ITEMS, "GET", "/catalog/items", query=query))
        return CasePage(tuple(ours(row) for row in reading.rows(ITEMS, told.data)), told.cursor)

    def guide(self, item_code: str) -> Mapping[str, Any]:
        told = client.ask(Ask(GUIDE, "GET", f"/items/{reading.segment(GUIDE, item_code)}/guide"))
        return ours(reading.members(GUIDE, told.data))

    def list_regions(self) -> tuple[Mapping[str, Any], ...]:
        """{code, parent, name, level} of every region, the province first."""
        told = client.ask(Ask(REGIONS, "GET", "/regions"))
        return tuple(ours(row) for row in reading.rows(REGIONS, told.data))


def ours(members: Mapping[str, Any]) -> dict[str, Any]:
    """Names in camelCase become snake_case, at every depth; values stay."""
    return {HUMP.sub(r"_\1", name).lower(): _value(value) for name, value in members.items()}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return ours(value)
    return [_value(one) for one in value] if isinstance(value, list) else value
