"""The one engine of claim, fence, settle, sweep, over any table with `state, n, lease_until, next_at`.

    waiting state --claim--> leased state (n + 1, lease_until) --settle--> any other state
                                   | lease ran out: the next claim takes the row again, n + 1

Rows decide, queues only wake. `n` is the fencing number: a worker that was too slow finds its n overtaken, its settle
returns False, and it must drop its result. Claims use FOR UPDATE SKIP LOCKED and the database's clock, so workers on
several hosts agree. None of these functions commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

MOST_DOUBLINGS: Final = 64


class Leased:
    """Columns the engine needs. `next_at` None means at once."""

    state: Mapped[str] = mapped_column(index=True)
    n: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    next_at: Mapped[datetime | None] = mapped_column(default=None)


@dataclass(frozen=True)
class Claim:
    """A row that is ours until the lease runs out, under fencing number `n`, in state `state`."""

    id: str
    n: int
    tenant_id: str
    state: str


def claim(
    db: Session,
    model: Any,
    *,
    from_states: Sequence[str],
    to_state: str,
    limit: int,
    lease_s: int,
    extra: Sequence[ColumnElement[bool]] = (),
    reclaim: bool = True,
) -> list[Claim]:
    """Lease up to `limit` due rows, oldest due first.

    `reclaim=False` leaves rows whose lease ran out in `to_state` alone: for states in which bytes may have left, where
    taking the row again would send twice.
    """
    due = and_(model.state.in_(from_states), or_(model.next_at.is_(None), model.next_at <= func.clock_timestamp()))
    if reclaim:
        due = or_(due, and_(model.state == to_state, model.lease_until < func.clock_timestamp()))
    chosen = (
        select(model.id)
        .where(due, *extra)
        .order_by(model.next_at.nulls_first(), model.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = db.execute(
        update(model)
        .where(model.id.in_(chosen))
        .values(state=to_state, n=model.n + 1, lease_until=func.clock_timestamp() + timedelta(seconds=lease_s))
        .returning(model.id, model.n, model.tenant_id)
        .execution_options(synchronize_session=False)
    )
    return sorted((Claim(row[0], row[1], row[2], to_state) for row in taken), key=lambda claim: claim.id)


def settle(db: Session, model: Any, held: Claim, *, state: str, **values: Any) -> bool:
    """Move the row on, if it is still ours. False: somebody else has it; what was found out must not be written."""
    done = db.execute(
        update(model)
        .where(model.id == held.id, model.n == held.n, model.state == held.state)
        .values(state=state, lease_until=None, **values)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None


def release(db: Session, model: Any, held: Claim, *, state: str, delay_s: float, **values: Any) -> bool:
    """Give the row back to wait `delay_s` by the database's clock."""
    return settle(db, model, held, state=state, next_at=func.clock_timestamp() + timedelta(seconds=delay_s), **values)


def move(db: Session, model: Any, row_id: str, *, from_states: Sequence[str], state: str, **values: Any) -> bool:
    """A conditional transition outside a lease (P4): one UPDATE, and whether exactly this row changed."""
    done = db.execute(
        update(model)
        .where(model.id == row_id, model.state.in_(from_states))
        .values(state=state, **values)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None


def is_held(db: Session, model: Any, held: Claim) -> bool:
    """Whether the row is still ours, and it stays so until the commit: for a step written in the middle of a lease."""
    still = select(model.id).where(model.id == held.id, model.n == held.n, model.state == held.state)
    return db.execute(still.with_for_update()).first() is not None


def extend(db: Session, model: Any, held: Claim, *, lease_s: int) -> bool:
    """Hold the row `lease_s` from now, for work in steps that takes longer than one lease. False as with `settle`."""
    still = db.execute(
        update(model)
        .where(model.id == held.id, model.n == held.n, model.state == held.state)
        .values(lease_until=func.clock_timestamp() + timedelta(seconds=lease_s))
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    return still.first() is not None


def lapse(db: Session, model: Any, *, from_state: str, to_state: str, delay_s: float = 0.0) -> list[Claim]:
    """Move on rows whose lease ran out in a state where bytes may have left: nobody knows what became of them.

    The counterpart of `claim(reclaim=False)`. Answers the rows moved, in their new state.
    """
    gone = db.execute(
        update(model)
        .where(model.state == from_state, model.lease_until < func.clock_timestamp())
        .values(state=to_state, lease_until=None, next_at=func.clock_timestamp() + timedelta(seconds=delay_s))
        .returning(model.id, model.n, model.tenant_id)
        .execution_options(synchronize_session=False)
    )
    return [Claim(row[0], row[1], row[2], to_state) for row in gone]


def backoff_s(n: int, *, first_s: float = 1.0, most_s: float = 600.0) -> float:
    """Doubling pause before try n + 1; `n` may count for ever, and 2.0 ** 1024 is no float."""
    return min(most_s, first_s * 2.0 ** min(max(0, n - 1), MOST_DOUBLINGS))
