"""Reading the catalogue: lists by region and words, one item, its guide. Everybody may read; nothing is personal.

A guide is fetched from the province when first read and kept with the item's version; an outage shows the kept one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, update

from app.core import clock
from app.core.db import transaction
from app.core.edge import paged
from app.core.errors import OutboundError, PlatformError, Problem
from app.platforms import registry
from handlers.catalogue.models import ACTIVE, Item

# GB/T 2260 and its extension: where the parts of a 12-digit region end, from the province down to the village.
REGION_ENDS: Final = (2, 4, 6, 9, 12)


@dataclass(frozen=True)
class Guide:
    """`stale`: the province could not be asked, this is the one kept for an earlier version of the item."""

    code: str
    name: str
    version: str
    body: Mapping[str, Any]
    stale: bool = False


def listing(*, region: str | None, words: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of active items, by code downwards. A region also offers what the regions above it offer."""
    query = select(Item).where(Item.status == ACTIVE)
    if region is not None:
        query = query.where(Item.region.in_(upwards(region)))
    for word in (words or "").lower().split():
        query = query.where(Item.search.contains(word, autoescape=True))
    with transaction() as db:
        return paged(db, query, Item.code, limit=limit, cursor=cursor)


def upwards(region: str) -> list[str]:
    """The region itself and every region above it: county 990101000000 gives itself, 990100000000, 990000000000."""
    return sorted({region[:end].ljust(12, "0") for end in REGION_ENDS})


def item(code: str) -> Item:
    """Raises Problem not_found. A suspended item is shown as such, so that a kept link explains itself."""
    with transaction() as db:
        found = db.get(Item, code)
    if found is None:
        raise Problem("not_found")
    return found


def guide(code: str) -> Guide:
    """Raises Problem not_found, or unavailable when no guide was ever read and the province cannot be asked."""
    found = item(code)
    if found.guide is not None and found.guide_version == found.version:
        return Guide(code, found.name, found.version, found.guide)
    try:
        body = registry.province().guide(code)
    except (OutboundError, PlatformError):
        return _kept(found)
    _keep(found, body)
    return Guide(code, found.name, found.version, body)


def _kept(found: Item) -> Guide:
    if found.guide is None:
        raise Problem("unavailable", headers={"Retry-After": "10"})
    return Guide(found.code, found.name, found.guide_version or "", found.guide, stale=True)


def _keep(found: Item, body: Mapping[str, Any]) -> None:
    # Only if the item is still the one the guide was asked for: a sync may have passed by meanwhile.
    with transaction() as db:
        db.execute(
            update(Item)
            .where(Item.code == found.code, Item.version == found.version)
            .values(guide=dict(body), guide_version=found.version, updated_at=clock.now())
        )
