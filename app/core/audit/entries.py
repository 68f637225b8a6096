"""Audit rows and their digests. Rooms call `record`; it never commits, never logs, and takes ids and words only."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Index, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, log, strictjson
from app.core.db import Base, Tenanted, tenant_of
from app.core.ids import new_id

Value = str | int | bool | None


class AuditEntry(Tenanted, Base):
    """One act. Insert-only by grant and by trigger."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("audit_entries_object", "object_id", "at"),
        Index("audit_entries_actor", "actor", "at"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    act: Mapped[str]
    object_id: Mapped[str]
    outcome: Mapped[str]
    detail: Mapped[dict[str, Any]]
    request_id: Mapped[str]
    digest: Mapped[str]


class PendingEntry(Tenanted, Base):
    """The sealer's work list. Losing a row here delays sealing and is reported; it hides nothing."""

    __tablename__ = "audit_pending"
    entry_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


def record(
    db: Session, *, actor: str, act: str, object_id: str, outcome: str, detail: Mapping[str, Value] | None = None
) -> str:
    """Write one row into the open transaction and return its id.

    `actor` and `object_id` are ids of ours, `act` is `room.verb`, `outcome` one word; no personal data anywhere.
    """
    row: dict[str, Any] = {
        "id": new_id("au"), "tenant_id": tenant_of(db), "at": clock.now(), "actor": actor, "act": act,
        "object_id": object_id, "outcome": outcome, "detail": dict(detail or {}), "request_id": log.request_id.get(),
    }  # fmt: skip
    db.execute(insert(AuditEntry).values(**row, digest=digest_of(row)))
    db.execute(insert(PendingEntry).values(entry_id=row["id"], tenant_id=row["tenant_id"], at=row["at"]))
    return str(row["id"])


DIGESTED = ("id", "tenant_id", "at", "actor", "act", "object_id", "outcome", "detail", "request_id")


def digest_of(row: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of every column but the digest; instants in UTC with microseconds."""
    at: datetime = row["at"]
    stated = {name: row[name] for name in DIGESTED} | {"at": at.astimezone(UTC).isoformat(timespec="microseconds")}
    return hashlib.sha256(strictjson.canonical(stated)).hexdigest()
