"""Registering a service: a manifest becomes a version, a second human publishes it, and it is live everywhere at once.

    register -> submitted + approval requested (one commit) -> approved -> published, the one before retired

The act runs inside the approval's own transaction and publishes exactly what was approved: the stored manifest is
digested again and must be the one the approval names. Called by `flask services register` and, later, by integrators.
"""

from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import approvals, audit, clock
from app.core.approvals import Approval
from app.core.db import transaction
from app.core.errors import Problem
from app.core.ids import new_id
from app.core.principal import StaffPrincipal
from config.staff import APPROVER, INTEGRATOR, OPERATOR
from handlers.gateway import announcements, manifest
from handlers.gateway.manifest import Manifest
from handlers.gateway.models import PUBLISHED, RETIRED, SUBMITTED, Service, ServiceVersion

PUBLISH: Final = "service.publish"


def register_manifest(staff: StaffPrincipal, document: object) -> ServiceVersion:
    """A new version, submitted and waiting for a second human (`approval_id`). The first one makes the service too.

    Raises Problem: invalid_fields (errors[] name the members), service_taken, service_unchanged, forbidden.
    """
    read = manifest.read(document)
    with transaction(staff.tenant_id) as db:
        service = _service(db, staff.tenant_id, read.slug)
        version = _version(db, staff, service, read)
        asked = approvals.request(db, PUBLISH, _payload(version, read), staff)
        version.approval_id = asked.id
        db.flush()
        audit.record(
            db, actor=staff.actor, act="service.submit", object_id=version.id, outcome="submitted",
            detail={"service_id": service.id, "version": version.version, "manifest_hash": version.manifest_hash},
        )  # fmt: skip
    return version


def _service(db: Session, tenant: str, slug: str) -> Service:
    """The tenant's service of this slug, locked. Another tenant's is invisible here; its slug still cannot be taken."""
    values = {"id": new_id("sv"), "tenant_id": tenant, "slug": slug, "created_at": clock.now()}
    db.execute(insert(Service).values(values).on_conflict_do_nothing(index_elements=[Service.slug]))
    found = db.scalars(select(Service).where(Service.slug == slug).with_for_update()).one_or_none()
    if found is None:
        raise Problem("service_taken")
    return found


def _version(db: Session, staff: StaffPrincipal, service: Service, read: Manifest) -> ServiceVersion:
    newest = db.scalars(
        select(ServiceVersion)
        .where(ServiceVersion.service_id == service.id)
        .order_by(ServiceVersion.version.desc())
        .limit(1)
    ).one_or_none()
    if newest is not None and newest.manifest_hash == read.digest and newest.state in {SUBMITTED, PUBLISHED}:
        raise Problem("service_unchanged")
    version = ServiceVersion(
        id=new_id("sr"), tenant_id=service.tenant_id, service_id=service.id,
        version=newest.version + 1 if newest is not None else 1, manifest=dict(read.document),
        manifest_hash=read.digest, state=SUBMITTED, submitted_by=staff.staff_id, submitted_at=clock.now(),
    )  # fmt: skip
    db.add(version)
    db.flush()
    return version


def _payload(version: ServiceVersion, read: Manifest) -> dict[str, Any]:
    """What the approver is shown and approves by hash."""
    return {
        "service_id": version.service_id,
        "version_id": version.id,
        "version": version.version,
        "manifest_hash": version.manifest_hash,
        "slug": read.slug,
        "name": read.name_zh,
        "owner": read.owner,
        "upstream": read.upstream.base_url + read.upstream.path_prefix,
        "fields": [one.name for one in read.fields],
    }


def publish(db: Session, approval: Approval) -> None:
    """The executor of PUBLISH. Raises Problem approval_changed when what is stored is not what was approved."""
    version = db.scalars(
        select(ServiceVersion).where(ServiceVersion.id == approval.payload["version_id"]).with_for_update()
    ).one_or_none()
    if version is None or version.state != SUBMITTED:
        raise Problem("conflict")
    if manifest.digest_of(version.manifest) != approval.payload["manifest_hash"]:
        raise Problem("approval_changed")
    manifest.read(version.manifest)  # rules may have become stricter since it was submitted
    _retire(db, version)
    version.state, version.published_at = PUBLISHED, func.clock_timestamp()
    db.execute(update(Service).where(Service.id == version.service_id).values(published_version=version.version))
    db.flush()
    announcements.changed(db)


def _retire(db: Session, successor: ServiceVersion) -> None:
    """What was live before, and anything older that still waits: a late approval must not bring back the past."""
    db.execute(
        update(ServiceVersion)
        .where(
            ServiceVersion.service_id == successor.service_id,
            ServiceVersion.version < successor.version,
            ServiceVersion.state.in_((PUBLISHED, SUBMITTED)),
        )
        .values(state=RETIRED)
    )


def install() -> None:
    approvals.register_act(PUBLISH, publish, request_roles=(INTEGRATOR, OPERATOR), approve_roles=(APPROVER,))
