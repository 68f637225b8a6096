"""What a reviewer reads: versions and their manifests, within the caller's tenant (security.md A1)."""

from typing import Any

from sqlalchemy import select

from app.core.db import ALL_TENANTS, PROVINCE, transaction
from app.core.edge import paged
from app.core.errors import Problem
from app.core.principal import StaffPrincipal
from handlers.gateway.models import Service, ServiceVersion


def scope_of(staff: StaffPrincipal) -> str:
    """The province's own staff review everybody's services; an integrator's see their organisation's alone."""
    return ALL_TENANTS if staff.tenant_id == PROVINCE else staff.tenant_id


def listing(staff: StaffPrincipal, *, state: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    query = select(ServiceVersion)
    if state is not None:
        query = query.where(ServiceVersion.state == state)
    with transaction(scope_of(staff)) as db:
        page = paged(db, query, ServiceVersion.id, limit=limit, cursor=cursor)
        wanted = {version.service_id for version in page["items"]}
        found = db.scalars(select(Service).where(Service.id.in_(wanted))).all()
    slugs = {service.id: service.slug for service in found}
    return page | {"items": [shown(version, slugs[version.service_id]) for version in page["items"]]}


def detail(staff: StaffPrincipal, version_id: str) -> dict[str, Any]:
    """Raises Problem not_found, also for another tenant's."""
    with transaction(scope_of(staff)) as db:
        version = db.get(ServiceVersion, version_id)
        service = db.get(Service, version.service_id) if version is not None else None
    if version is None or service is None:
        raise Problem("not_found")
    return shown(version, service.slug) | {"manifest": version.manifest}


def shown(version: ServiceVersion, slug: str) -> dict[str, Any]:
    return {
        "id": version.id,
        "service_id": version.service_id,
        "slug": slug,
        "version": version.version,
        "state": version.state,
        "manifest_hash": version.manifest_hash,
        "submitted_by": version.submitted_by,
        "submitted_at": version.submitted_at,
        "approval_id": version.approval_id,
        "published_at": version.published_at,
    }
