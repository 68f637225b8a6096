"""The two-person rule (security.md O2): an act, its exact content, a requester, and another human who approves it.

    requested --approve--> approved --(same transaction)--> executed
        |--refuse--> refused        `--24 h--> expired

A room registers its act once; the executor runs in the approval's own transaction and writes intent rows only, so an
approval and its effect are one commit and neither can happen twice. People are told apart by `human_id`, not by
account. The rule stands here and again in the database: constraint and trigger refuse what this code would.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Index, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import audit, clock, crypto, strictjson, tasks
from app.core.db import ALL_TENANTS, Base, Tenanted, tenant_of, transaction
from app.core.errors import Problem
from app.core.ids import new_id
from app.core.log import get_log
from app.core.principal import StaffPrincipal

log = get_log("approvals")

LIFETIME: Final = timedelta(hours=24)
_SALT_BYTES: Final = 16


class ApprovalRow(Tenanted, Base):
    """The payload is sealed; `payload_hash` is salted, so a short payload cannot be guessed from it."""

    __tablename__ = "approvals"
    __table_args__ = (Index("approvals_open", "expires_at", postgresql_where="state = 'requested'"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    act: Mapped[str]
    payload: Mapped[str]
    payload_hash: Mapped[str]
    requested_by: Mapped[str]
    requested_human: Mapped[str]
    excluded_humans: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str]
    approved_by: Mapped[str | None]
    approved_human: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    executed_at: Mapped[datetime | None]
    refused_by: Mapped[str | None]
    refused_reason: Mapped[str | None]  # sealed: people write names into reasons


@dataclass(frozen=True)
class Approval:
    """What the requester asked for, opened. `payload_hash` is what an approver must send back."""

    id: str
    tenant_id: str
    act: str
    payload: Mapping[str, Any] = field(repr=False)
    payload_hash: str
    requested_by: str
    requested_human: str
    created_at: datetime
    expires_at: datetime
    state: str
    approved_by: str | None = None


Execute = Callable[[Session, Approval], None]


@dataclass(frozen=True)
class Act:
    """Who may ask for it, who may approve it, and what it does."""

    name: str
    execute: Execute
    request_roles: frozenset[str]
    approve_roles: frozenset[str]


_acts: dict[str, Act] = {}


def register_act(name: str, execute: Execute, *, request_roles: Iterable[str], approve_roles: Iterable[str]) -> None:
    """Register once, at install. `execute` must not call the network; an exception undoes the approval with it."""
    act = Act(name, execute, frozenset(request_roles), frozenset(approve_roles))
    if name in _acts and _acts[name].execute is not execute:
        raise ValueError(f"the act {name} is already registered")
    _acts[name] = act


def request(
    db: Session, act: str, payload: Mapping[str, Any], principal: StaffPrincipal, *, excluded: Iterable[str] = ()
) -> Approval:
    """Ask for an act with exactly this content. `excluded`: human ids of others who wrote it and may not approve it.

    Raises Problem forbidden; KeyError for an act nobody registered.
    """
    _require(principal, _acts[act].request_roles)
    row_id, salt = new_id("ap"), secrets.token_hex(_SALT_BYTES)
    sealed = strictjson.canonical({"salt": salt, "payload": payload})
    now, tenant = clock.now(), tenant_of(db)
    row = ApprovalRow(
        id=row_id, tenant_id=tenant, act=act, payload_hash=_hash(row_id, act, sealed), state="requested",
        payload=crypto.seal(sealed, table="approvals", column="payload", row_id=row_id, tenant=tenant),
        requested_by=principal.staff_id, requested_human=principal.human_id, created_at=now, expires_at=now + LIFETIME,
        excluded_humans=sorted(set(excluded)),
    )  # fmt: skip
    db.add(row)
    db.flush()
    audit.record(db, actor=principal.actor, act="approval.request", object_id=row_id, outcome="requested",
                 detail={"act": act, "payload_hash": row.payload_hash})  # fmt: skip
    return _opened(row)


def approve(db: Session, approval_id: str, principal: StaffPrincipal, payload_hash: str) -> Approval:
    """Approve what has this hash, and do it, in the open transaction.

    Raises Problem: not_found, forbidden, approval_closed, approval_expired, approval_needs_another_person,
    approval_changed, unavailable (the audit is not anchored).
    """
    audit.require_anchored(db)
    row = _locked(db, approval_id)
    approval = _judged(row, principal, payload_hash)
    now = clock.now()
    _move(db, row, state="approved", approved_by=principal.staff_id, approved_human=principal.human_id, approved_at=now)
    _acts[row.act].execute(db, approval)
    _move(db, row, state="executed", executed_at=clock.now())
    audit.record(db, actor=principal.actor, act="approval.approve", object_id=row.id, outcome="executed",
                 detail={"act": row.act, "payload_hash": row.payload_hash})  # fmt: skip
    return _opened(row)


def refuse(db: Session, approval_id: str, principal: StaffPrincipal, reason: str = "") -> Approval:
    """Close it undone, for a reason its readers see. The requester may take their own request back this way."""
    row = _locked(db, approval_id)
    if principal.human_id != row.requested_human:
        _require(principal, _acts[row.act].approve_roles)
    sealed = crypto.seal(reason, table="approvals", column="refused_reason", row_id=row.id, tenant=row.tenant_id)
    _move(db, row, state="refused", refused_by=principal.staff_id, refused_reason=sealed)
    audit.record(db, actor=principal.actor, act="approval.refuse", object_id=row.id, outcome="refused",
                 detail={"act": row.act})  # fmt: skip
    return _opened(row)


def get(db: Session, approval_id: str) -> Approval:
    """Raises Problem not_found, also for another tenant's."""
    row = db.get(ApprovalRow, approval_id)
    if row is None:
        raise Problem("not_found")
    return _opened(row)


def _judged(row: ApprovalRow, principal: StaffPrincipal, payload_hash: str) -> Approval:
    if clock.now() > row.expires_at:
        raise Problem("approval_expired")
    _require(principal, _acts[row.act].approve_roles)
    if principal.human_id in {row.requested_human, *row.excluded_humans}:
        log.warning("approval_by_author", object_id=row.id, actor=principal.actor)
        raise Problem("approval_needs_another_person")
    if not crypto.same(row.payload_hash, payload_hash):
        raise Problem("approval_changed")
    return _opened(row)


def _require(principal: StaffPrincipal, roles: frozenset[str]) -> None:
    if not principal.human_id or principal.roles.isdisjoint(roles):
        raise Problem("forbidden")


def _locked(db: Session, approval_id: str) -> ApprovalRow:
    row = db.execute(select(ApprovalRow).where(ApprovalRow.id == approval_id).with_for_update()).scalar_one_or_none()
    if row is None:
        raise Problem("not_found")
    if row.state != "requested":
        raise Problem("approval_closed", detail={"state": row.state})
    return row


def _opened(row: ApprovalRow) -> Approval:
    """Opens the payload and holds it against its hash: a row altered by another hand is not what was asked for."""
    place = {"table": "approvals", "column": "payload", "row_id": row.id, "tenant": row.tenant_id}
    try:
        sealed = crypto.unseal_bytes(row.payload, **place)
    except crypto.Unsealable:
        raise Problem("approval_changed") from None
    if not crypto.same(_hash(row.id, row.act, sealed), row.payload_hash):
        raise Problem("approval_changed")
    return Approval(
        row.id, row.tenant_id, row.act, strictjson.loads(sealed)["payload"], row.payload_hash, row.requested_by,
        row.requested_human, row.created_at, row.expires_at, row.state, row.approved_by,
    )  # fmt: skip


def _hash(row_id: str, act: str, sealed: bytes) -> str:
    return hashlib.sha256(b"\n".join((row_id.encode(), act.encode(), sealed))).hexdigest()


def _move(db: Session, row: ApprovalRow, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    db.flush()


def expire_due() -> int:
    """Close requests past their day; returns how many."""
    with transaction(ALL_TENANTS) as db:
        closed = db.execute(
            update(ApprovalRow)
            .where(ApprovalRow.state == "requested", ApprovalRow.expires_at < func.clock_timestamp())
            .values(state="expired")
            .returning(ApprovalRow.id)
            .execution_options(synchronize_session=False)
        )
        return len(closed.all())


@tasks.job("expire_approvals", every_s=300)
def expire_approvals() -> None:
    expire_due()
