"""Catalogue endpoints (province.md 3.3): a version, a paged snapshot stable under it, guides, regions, packages."""

import base64
import binascii
from typing import Any, Final

from app.platforms.province.stand_in import wire
from app.platforms.province.stand_in.door import Route
from app.platforms.province.stand_in.listing import PROVINCE_REGION, UPDATED_AT, listing
from app.platforms.province.stand_in.wire import Heard, Page, Refusal
from app.platforms.province.stand_in.world import World

MOST: Final = 500
USUAL: Final = 100


def version(_world: World, _heard: Heard) -> dict[str, Any]:
    bundled = listing()
    counts = {"items": len(bundled.items), "packages": len(bundled.packages), "regions": len(bundled.regions)}
    return {"version": bundled.version, "seq": 1, "generatedAt": UPDATED_AT, "counts": counts}


def items(_world: World, heard: Heard) -> Page:
    """A snapshot: pages of one version fit together. Another version than today's is 40401: start again."""
    bundled = listing()
    if heard.query.get("version", bundled.version) != bundled.version:
        raise Refusal(40401)
    rows = [item for item in bundled.items.values() if _wanted(item, heard)]
    return _page(rows, heard)


def _wanted(item: dict[str, Any], heard: Heard) -> bool:
    return all(heard.query.get(name, item[name]) == item[name] for name in ("region", "level", "type"))


def _page(rows: list[Any], heard: Heard) -> Page:
    limit = heard.query.get("limit", str(USUAL))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MOST):
        raise wire.bad("limit")
    start = _offset(heard.query.get("cursor", ""))
    end = start + int(limit)
    return Page(rows[start:end], _cursor(end) if end < len(rows) else None)


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"o{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("o"))
    except (binascii.Error, ValueError) as error:
        raise wire.bad("cursor") from error


def changes(_world: World, heard: Heard) -> list[dict[str, Any]]:
    """The bundled catalogue has one version, so every older sequence must synchronise in full."""
    if heard.query.get("sinceSeq", "") != "1":
        raise Refusal(41001)
    return []


def item(_world: World, _heard: Heard, code: str) -> dict[str, Any]:
    found = listing().items.get(code)
    if found is None:
        raise Refusal(40401)
    return found


def guide(_world: World, _heard: Heard, code: str) -> dict[str, Any]:
    if code not in listing().items:
        raise Refusal(40401)
    return listing().guide(code)


def regions(_world: World, heard: Heard) -> list[dict[str, str]]:
    """All regions, or the children of `parent`."""
    parent = heard.query.get("parent")
    return [region for region in listing().regions if parent is None or region["parent"] == parent]


def packages(_world: World, heard: Heard) -> Page:
    theme = heard.query.get("theme")
    return _page([one for one in listing().packages.values() if theme is None or theme in one["themes"]], heard)


def package(_world: World, _heard: Heard, package_id: str) -> dict[str, Any]:
    found = listing().packages.get(package_id)
    if found is None:
        raise Refusal(40401)
    return found


def route(_world: World, heard: Heard, basic_code: str) -> dict[str, Any]:
    """Who handles an item for a region: everything here is handled by the province itself."""
    if not any(region["code"] == heard.query.get("region") for region in listing().regions):
        raise wire.bad("region")
    found = next((one for one in listing().items.values() if one["basicCode"] == basic_code), None)
    if found is None:
        raise Refusal(40401)
    return {"code": found["code"], "handleRegion": PROVINCE_REGION, "mode": "ONLINE"}


ROUTES: Final = (
    Route("GET", "/catalog/version", "catalog.version", version),
    Route("GET", "/catalog/items", "catalog.items", items),
    Route("GET", "/catalog/changes", "catalog.changes", changes),
    Route("GET", "/items/<code>", "items.item", item),
    Route("GET", "/items/<code>/guide", "items.guide", guide),
    Route("GET", "/items/<basic_code>/route", "items.route", route),
    Route("GET", "/regions", "regions", regions),
    Route("GET", "/packages", "packages", packages),
    Route("GET", "/packages/<package_id>", "packages.package", package),
)
