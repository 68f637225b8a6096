"""The staff's side of the two-person rule: what waits, what exactly it is, and deciding it. Called by operators.py.

app/core/approvals holds the rule and the database holds it again. What is added here is what only identity knows:
whose requests an account may see, and that who asked is still active when it is executed; and a row in the audit for
every attempt that was refused. An approval runs in the tenant of what was asked for, so its effect lands there.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import approvals, audit, clock, crypto
from app.core.approvals import ApprovalRow
from app.core.db import ALL_TENANTS, PROVINCE, transaction
from app.core.edge import paged
from app.core.errors import Problem
from app.core.principal import StaffPrincipal
from identity import staff as accounts


@dataclass(frozen=True)
class Shown:
    """An approval as its readers see it. `payload` only where one is opened by id."""

    approval_id: str
    act: str
    state: str
    requested_by: str
    requested_human: str
    created_at: datetime
    expires_at: datetime
    approved_by: str | None
    refused_by: str | None
    executed_at: datetime | None
    payload_hash: str
    payload: dict[str, Any] = field(default_factory=dict, repr=False)
    refused_reason: str | None = field(default=None, repr=False)


def scope_of(staff: StaffPrincipal) -> str:
    """The province's staff look over every tenant; an integrator's see their own."""
    return ALL_TENANTS if staff.tenant_id == PROVINCE else staff.tenant_id


def page(staff: StaffPrincipal, *, limit: int, cursor: str | None, state: str | None) -> dict[str, Any]:
    """One page of approvals, newest first."""
    query = select(ApprovalRow) if state is None else select(ApprovalRow).where(ApprovalRow.state == state)
    with transaction(scope_of(staff)) as db:
        found = paged(db, query, ApprovalRow.id, limit=limit, cursor=cursor)
    return found | {"items": [_shown(row) for row in found["items"]]}


def show(staff: StaffPrincipal, approval_id: str) -> Shown:
    """Exactly what will be done, and its hash. Raises Problem not_found, also for another tenant's."""
    with transaction(scope_of(staff)) as db:
        return _opened(db, approval_id)


def approve(staff: StaffPrincipal, approval_id: str, payload_hash: str) -> Shown:
    """Approve what has this hash and do it, in one commit.

    Raises what approvals.approve does, and requester_suspended.
    """
    tenant = _tenant_of(staff, approval_id)
    try:
        _require_active_requester(approval_id)
        with transaction(tenant) as db:
            approvals.approve(db, approval_id, staff, payload_hash)
            return _opened(db, approval_id)
    except Problem as problem:
        _note_refused(tenant, staff, approval_id, "approval.approve", problem.code)
        raise


def refuse(staff: StaffPrincipal, approval_id: str, reason: str) -> Shown:
    """Close it undone, for a reason the requester can read. Whoever asked may take it back themselves."""
    tenant = _tenant_of(staff, approval_id)
    try:
        with transaction(tenant) as db:
            approvals.refuse(db, approval_id, staff, reason)
            return _opened(db, approval_id)
    except Problem as problem:
        _note_refused(tenant, staff, approval_id, "approval.refuse", problem.code)
        raise


def _tenant_of(staff: StaffPrincipal, approval_id: str) -> str:
    with transaction(scope_of(staff)) as db:
        found = db.scalars(select(ApprovalRow.tenant_id).where(ApprovalRow.id == approval_id)).first()
    if found is None:
        raise Problem("not_found")
    return found


def _require_active_requester(approval_id: str) -> None:
    """Nothing is done for somebody suspended since they asked. The approver was looked at by the step-up."""
    with transaction(ALL_TENANTS) as db:
        asked_by = db.scalars(select(ApprovalRow.requested_by).where(ApprovalRow.id == approval_id)).one()
        if not accounts.is_active(db, asked_by):
            raise Problem("requester_suspended")


def _note_refused(tenant: str, staff: StaffPrincipal, approval_id: str, act: str, code: str) -> None:
    with transaction(tenant) as db:
        audit.record(db, actor=staff.actor, act=act, object_id=approval_id, outcome="refused", detail={"reason": code})


def _opened(db: Session, approval_id: str) -> Shown:
    payload = dict(approvals.get(db, approval_id).payload)
    row = db.get_one(ApprovalRow, approval_id)
    return replace(_shown(row), payload=payload, refused_reason=_reason(row))


def _reason(row: ApprovalRow) -> str | None:
    if row.refused_reason is None:
        return None
    return crypto.unseal(
        row.refused_reason, table="approvals", column="refused_reason", row_id=row.id, tenant=row.tenant_id
    )


def _shown(row: ApprovalRow) -> Shown:
    lapsed = row.state == "requested" and clock.now() > row.expires_at
    return Shown(
        approval_id=row.id, act=row.act, state="expired" if lapsed else row.state, requested_by=row.requested_by,
        requested_human=row.requested_human, created_at=row.created_at, expires_at=row.expires_at,
        approved_by=row.approved_by, refused_by=row.refused_by, executed_at=row.executed_at,
        payload_hash=row.payload_hash,
    )  # fmt: skip
