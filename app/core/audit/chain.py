"""The hash chain over committed audit rows, grown by one sealer at a time; a place is never moved or rewritten."""

import hashlib
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, tasks
from app.core.audit.entries import AuditEntry, PendingEntry
from app.core.db import ALL_TENANTS, Base, Tenanted, transaction

SEALER_LOCK: Final = 72_661_002
BATCH: Final = 1000
GENESIS: Final = "0" * 64


class ChainRow(Tenanted, Base):
    """`hash` covers seq, entry id, entry digest and the hash before it."""

    __tablename__ = "audit_chain"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[str] = mapped_column(unique=True)
    entry_digest: Mapped[str]
    prev_hash: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
    sealed_at: Mapped[datetime]


def link(prev_hash: str, seq: int, entry_id: str, entry_digest: str) -> str:
    return hashlib.sha256(f"{prev_hash}|{seq}|{entry_id}|{entry_digest}".encode()).hexdigest()


def head(db: Session) -> tuple[int, str]:
    """The last place and its hash; (0, GENESIS) for an empty chain."""
    row = db.execute(select(ChainRow.seq, ChainRow.hash).order_by(ChainRow.seq.desc()).limit(1)).first()
    return (row[0], row[1]) if row is not None else (0, GENESIS)


def seal_pending() -> int:
    """Give every committed row its place; returns how many. Another sealer at work means none are ours."""
    sealed = 0
    while True:
        with transaction(ALL_TENANTS) as db:
            done = _seal_batch(db)
        sealed += done
        if done < BATCH:
            return sealed


def _seal_batch(db: Session) -> int:
    if not db.execute(select(func.pg_try_advisory_xact_lock(SEALER_LOCK))).scalar_one():
        return 0
    waiting = db.execute(
        select(AuditEntry.id, AuditEntry.digest, AuditEntry.tenant_id)
        .join(PendingEntry, PendingEntry.entry_id == AuditEntry.id)
        .order_by(AuditEntry.id)
        .limit(BATCH)
    ).all()
    if not waiting:
        return 0
    seq, prev = head(db)
    rows, now = [], clock.now()
    for entry_id, digest, tenant in waiting:
        seq += 1
        made = link(prev, seq, entry_id, digest)
        rows.append({
            "seq": seq, "tenant_id": tenant, "entry_id": entry_id, "entry_digest": digest, "prev_hash": prev,
            "hash": made, "sealed_at": now,
        })  # fmt: skip
        prev = made
    db.execute(insert(ChainRow), rows)
    db.execute(
        delete(PendingEntry)
        .where(PendingEntry.entry_id.in_([row["entry_id"] for row in rows]))
        .execution_options(synchronize_session=False)
    )
    return len(rows)


@tasks.job("seal_audit", every_s=1, queue="urgent")
def seal_audit() -> None:
    seal_pending()
