"""Idempotency store (security.md P5): one key, one effect, one answer.

    begin --> Fresh    running --complete--> complete       kept 24 h, then purged
                          |    --mark_unknown--> unknown     never lapses; a room that learns the truth completes it
                          |    --abandon--> (gone)           nothing was done: the key is free again
                          `-- 60 s without any of these      the process died: treated as unknown, because bytes may
                                                             have left; a repeat is told so and nothing runs again

The edge's `idempotent` and the gateway's road call this. Keys belong to (tenant, subject, method, route): two citizens
may use the same text. Each function is its own short transaction, so none may be called inside another. The key itself
is client-chosen text and stored as a digest; answers are sealed. What a repeat gets:

    complete  the first answer, as it was           unknown   Problem outcome_unknown (504), with the reference if any
    running   Problem still_running (409)           other body  Problem idempotency_key_reused (422)
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Index, UniqueConstraint, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, crypto, strictjson, tasks
from app.core import db as database
from app.core.db import PROVINCE, Base, Tenanted, transaction
from app.core.errors import Problem
from app.core.ids import new_id

LEASE_S: Final = 60
KEPT: Final = timedelta(hours=24)
ASK_AGAIN_S: Final = 2
FINGERPRINT: Final = "idempotency"  # the kind of blind index
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
_MAX_ANSWER: Final = 32 * 1024 * 1024


class IdempotencyKey(Tenanted, Base):
    """running -> complete | unknown; unknown -> complete."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        UniqueConstraint("tenant_id", "subject", "method", "route", "key_digest"),
        Index("idempotency_keys_final", "final_at", postgresql_where="state = 'complete'"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str]
    method: Mapped[str]
    route: Mapped[str]
    key_digest: Mapped[str]
    fingerprint: Mapped[str]
    state: Mapped[str]
    lease_until: Mapped[datetime]
    status: Mapped[int | None]
    answer: Mapped[str | None]
    reference: Mapped[str | None]
    created_at: Mapped[datetime]
    final_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Fresh:
    """The key is ours: act, then complete, mark_unknown or abandon."""

    id: str
    tenant_id: str


@dataclass(frozen=True)
class Replay:
    """The key was used before with the same body: its answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def begin(
    subject: str, method: str, route: str, key: str | None, fingerprint: str, *, tenant: str = PROVINCE
) -> Fresh | Replay:
    """Take the key, or give back what it led to. `fingerprint` is any digest of target and body; it is stored keyed,
    because a body of a name and a number could be tried out from its plain digest (P7).

    Raises Problem: idempotency_key_required (400), idempotency_key_reused (422), still_running (409, Retry-After),
    outcome_unknown (504).
    """
    if key is None or _KEY.fullmatch(key) is None:
        raise Problem("idempotency_key_required")
    row_id = new_id("ik")
    digest = hashlib.sha256(key.encode()).hexdigest()
    with transaction(tenant) as db:
        if _insert(db, row_id, tenant, subject, method, route, digest, fingerprint):
            return Fresh(row_id, tenant)
        return _again(_used(db, tenant, subject, method, route, digest), fingerprint)


def complete(row: Fresh, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Keep the answer. Also for a row that was unknown, by whoever has found out how it ended."""
    text = strictjson.dumps({"headers": dict(headers), "body": base64.b64encode(body).decode()})
    sealed = crypto.seal(text, table="idempotency_keys", column="answer", row_id=row.id, tenant=row.tenant_id)
    _move(row, state="complete", status=status, answer=sealed, final_at=clock.now())


def mark_unknown(row: Fresh, reference: str | None = None) -> None:
    """Bytes left and no answer came. `reference` (an id of ours) tells the caller where the truth will appear."""
    _move(row, state="unknown", reference=reference)


def abandon(row: Fresh) -> None:
    """Nothing was done: the same key may be used again."""
    with transaction(row.tenant_id) as db:
        db.execute(delete(IdempotencyKey).where(IdempotencyKey.id == row.id, IdempotencyKey.state != "complete"))


def purge() -> int:
    """Forget answers that are final and older than 24 hours; returns how many. Unknown rows stay."""
    old = IdempotencyKey.final_at < func.clock_timestamp() - KEPT
    return database.purge(IdempotencyKey, IdempotencyKey.state == "complete", old)


@tasks.job("purge_idempotency_keys", every_s=600, queue="bulk")
def purge_idempotency_keys() -> None:
    purge()


def _insert(
    db: Session, row_id: str, tenant: str, subject: str, method: str, route: str, digest: str, fingerprint: str
) -> bool:
    """Whether the row is new. A concurrent first use waits here for the other's commit, then sees its row."""
    made = db.execute(
        insert(IdempotencyKey)
        .values(
            id=row_id, tenant_id=tenant, subject=subject, method=method, route=route, key_digest=digest,
            fingerprint=crypto.blind_index(FINGERPRINT, fingerprint), state="running",
            created_at=func.clock_timestamp(), lease_until=func.clock_timestamp() + timedelta(seconds=LEASE_S),
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.id)
    )  # fmt: skip
    return made.first() is not None


def _used(db: Session, tenant: str, subject: str, method: str, route: str, digest: str) -> Any:
    columns = IdempotencyKey
    return db.execute(
        select(columns, (columns.lease_until < func.clock_timestamp()).label("lapsed")).where(
            columns.tenant_id == tenant, columns.subject == subject, columns.method == method,
            columns.route == route, columns.key_digest == digest,
        )
    ).one_or_none()  # fmt: skip


def _again(found: Any, fingerprint: str) -> Replay:
    if found is None:  # abandoned between our insert and our look: its first owner did nothing
        raise Problem("still_running", headers={"Retry-After": str(ASK_AGAIN_S)})
    row: IdempotencyKey = found[0]
    if not any(crypto.same(row.fingerprint, known) for known in crypto.blind_indexes(FINGERPRINT, fingerprint)):
        raise Problem("idempotency_key_reused")
    if row.state == "complete":
        return _kept(row)
    if row.state == "running" and not found.lapsed:
        raise Problem("still_running", headers={"Retry-After": str(ASK_AGAIN_S)})
    raise Problem("outcome_unknown", detail={"reference": row.reference} if row.reference else None)


def _kept(row: IdempotencyKey) -> Replay:
    sealed = row.answer or ""
    opened = crypto.unseal(sealed, table="idempotency_keys", column="answer", row_id=row.id, tenant=row.tenant_id)
    answer = strictjson.loads(opened.encode(), max_bytes=_MAX_ANSWER)
    return Replay(row.status or 200, answer["headers"], base64.b64decode(answer["body"]))


def _move(row: Fresh, *, state: str, **values: Any) -> None:
    with transaction(row.tenant_id) as db:
        db.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.id == row.id, IdempotencyKey.state != "complete")
            .values(state=state, **values)
            .execution_options(synchronize_session=False)
        )
