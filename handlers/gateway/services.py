"""The services as a mini-program sees them, from the registry's memory: lists by region and channel, one in detail."""

from typing import Any

from app.core.edge.paging import decode, encode
from app.core.errors import Problem
from handlers.gateway import registry, road
from handlers.gateway.consents import purpose_of
from handlers.gateway.manifest import Operation
from handlers.gateway.road import Published


def listing(channel: str, *, region: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of what is offered in this mini-program (and region), newest first."""
    after = decode(cursor) if cursor is not None else None
    offered = [
        service for service in registry.listed()
        if _is_offered(service, channel, region) and (after is None or service.id < after)
    ]  # fmt: skip
    page = offered[:limit]
    more = len(offered) > limit
    return {"items": [shown(service) for service in page], "next_cursor": encode(page[-1].id) if more else None}


def detail(channel: str, service_id: str) -> dict[str, Any]:
    """Raises Problem not_found, also for a service of another channel."""
    service = registry.show(service_id)
    if not _is_offered(service, channel, None):
        raise Problem("not_found")
    manifest = service.manifest
    return shown(service) | {
        "version": service.version,
        "owner": manifest.owner,
        "contact": manifest.document["contact"],
        "given": [{"name": one.name, "purpose": one.purpose} for one in manifest.fields],
        "operations": [_operation(one) for one in manifest.operations],
    }


def shown(service: Published) -> dict[str, Any]:
    manifest = service.manifest
    return {
        "id": service.id,
        "slug": manifest.slug,
        "name": {"zh": manifest.name_zh, "en": manifest.name_en},
        "regions": list(manifest.regions),
        "item_codes": list(manifest.item_codes),
        "need": {
            "level": f"L{service.level}",
            "max_age_s": manifest.max_age_s,
            "consent": purpose_of(service.id) if manifest.hands_over_identity else None,
        },
    }


def _is_offered(service: Published, channel: str, region: str | None) -> bool:
    manifest = service.manifest
    return channel in manifest.channels and (region is None or road.covers(manifest.regions, region))


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "method": operation.method,
        "path": operation.pattern,
        "write": operation.write,
        "query": sorted(operation.query),
    }
