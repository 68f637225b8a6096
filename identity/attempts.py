"""How often somebody may ask the authority whether a name and a number belong together (security.md V5).

Counted in SQL, because the count must survive an emptied Redis: failures by account and by number asked about, with the
questions in flight counted as failures until they are answered. An account that is already this person is not counted
against the number, so strangers cannot shut the owner out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import purge
from app.core.errors import Problem
from config.assurance import (
    ACCOUNT_FAILURES,
    ACCOUNT_WINDOW_S,
    ASKING_LIVES_S,
    DAY_S,
    IDENTITIES_PER_DAY,
    METHODS,
    REAL_NAME,
    TARGET_FAILURES,
    TARGET_WINDOW_S,
)
from identity import assurance, evidence, joining, pii
from identity.models import Account, RealNameAttempt

KEPT_FOR: Final = timedelta(days=30)


def check(db: Session, account: Account, indexes: Sequence[str]) -> bool:
    """Whether one more question is allowed; the caller reserves it in the same transaction. True: by the owner.

    Raises Problem verification_limit with Retry-After and the other ways. Holds the number's lock until the commit.
    """
    joining.lock_number(db, indexes)
    if _is_owner(db, account, indexes):
        return True
    _require_few(db, RealNameAttempt.account_id == account.id, ACCOUNT_FAILURES, ACCOUNT_WINDOW_S)
    _require_few(db, RealNameAttempt.target_index.in_(indexes), TARGET_FAILURES, TARGET_WINDOW_S)
    _require_few_people(db, account, indexes)
    return False


def reserve(db: Session, verification_id: str, account_id: str, index: str, *, of_holder: bool) -> None:
    """Write down the question before it is asked."""
    db.add(
        RealNameAttempt(
            id=verification_id, account_id=account_id, target_index=index, outcome="asking", of_holder=of_holder,
            at=clock.now(),
        )
    )  # fmt: skip
    db.flush()


def settle(db: Session, verification_id: str, outcome: str) -> None:
    """Outcome: matched, refused, or void (nobody answered, so nothing was learnt and nothing counts)."""
    db.execute(
        update(RealNameAttempt)
        .where(RealNameAttempt.id == verification_id, RealNameAttempt.outcome == "asking")
        .values(outcome=outcome)
    )


def forget_old() -> None:
    """Purge what no window reaches any more."""
    purge(RealNameAttempt, RealNameAttempt.at < clock.now() - KEPT_FOR)


def _is_owner(db: Session, account: Account, indexes: Sequence[str]) -> bool:
    if pii.citizen_of(db, account.citizen_id).subject_index not in indexes:
        return False
    return max(evidence.levels_of(db, account.id, account.citizen_id), default=0) >= REAL_NAME


def _require_few(db: Session, whose: ColumnElement[bool], most: int, window_s: int) -> None:
    now = clock.now()
    in_flight = and_(RealNameAttempt.outcome == "asking", RealNameAttempt.at > now - timedelta(seconds=ASKING_LIVES_S))
    failed = and_(RealNameAttempt.outcome == "refused", RealNameAttempt.at > now - timedelta(seconds=window_s))
    counted = (whose, RealNameAttempt.of_holder.is_(False), or_(in_flight, failed))
    times = db.scalars(select(RealNameAttempt.at).where(*counted).order_by(RealNameAttempt.at.desc()).limit(most)).all()
    if len(times) == most:
        raise _too_many(times[-1] + timedelta(seconds=window_s))


def _require_few_people(db: Session, account: Account, indexes: Sequence[str]) -> None:
    people = db.scalars(
        select(RealNameAttempt.target_index)
        .where(
            RealNameAttempt.account_id == account.id, RealNameAttempt.outcome == "matched",
            RealNameAttempt.at > clock.now() - timedelta(seconds=DAY_S), RealNameAttempt.target_index.not_in(indexes),
        )
        .distinct()
    ).all()  # fmt: skip
    if len(people) >= IDENTITIES_PER_DAY:
        raise _too_many(clock.now() + timedelta(seconds=DAY_S))


def _too_many(until: datetime) -> Problem:
    wait = max(1, int((until - clock.now()).total_seconds()))
    others = [assurance.way(name) for name in METHODS if name != "real_name"]
    return Problem("verification_limit", detail={"methods": others}, headers={"Retry-After": str(wait)})
