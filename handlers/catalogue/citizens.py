"""Browsing, before and after login: X-App is all that is asked. Every answer carries an ETag."""

from typing import Any

from app.core.edge import Caller, Room
from handlers.catalogue import items, regions
from handlers.catalogue.models import Item
from handlers.catalogue.schemas import (
    GuideSchema,
    ItemDetailSchema,
    ItemPage,
    ItemsQuery,
    RegionsQuery,
    RegionsSchema,
)

room = Room("catalogue", __name__, caller=Caller.APP, url_prefix="/v1", description="Items, guides, regions")


@room.route("/items")
@room.arguments(ItemsQuery, location="query")
@room.response(200, ItemPage)
def list_items(query: dict[str, Any]) -> dict[str, Any]:
    """Active items of a region, by words of their name or alias."""
    return items.listing(region=query["region"], words=query["q"], limit=query["limit"], cursor=query["cursor"])


@room.route("/items/<code>")
@room.response(200, ItemDetailSchema)
def show_item(code: str) -> Item:
    """One item."""
    return items.item(code)


@room.route("/items/<code>/guide")
@room.response(200, GuideSchema)
def show_guide(code: str) -> items.Guide:
    """How to handle an item: conditions, materials, steps, places."""
    return items.guide(code)


@room.route("/regions")
@room.arguments(RegionsQuery, location="query")
@room.response(200, RegionsSchema)
def list_regions(query: dict[str, Any]) -> dict[str, Any]:
    """Every region, or those directly under one."""
    return {"items": regions.listed(query["parent"])}
