"""Evidence: what an account has proved, when and how. Read into every session; written only by verification.py."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.ids import new_id
from config.assurance import METHODS
from identity.models import Account, Evidence, Verification


def standing(db: Session, account_id: str, citizen_id: str) -> Sequence[Evidence]:
    """Proofs that still count for this account as this citizen, newest first."""
    rows = db.scalars(
        select(Evidence)
        .where(Evidence.account_id == account_id, Evidence.citizen_id == citizen_id, Evidence.revoked_at.is_(None))
        .order_by(Evidence.obtained_at.desc())
    ).all()
    now = clock.now()
    return [row for row in rows if row.obtained_at + timedelta(seconds=METHODS[row.method].valid_for_s) > now]


def levels_of(db: Session, account_id: str, citizen_id: str) -> dict[int, datetime]:
    """Level -> when it was last proved, for the session."""
    levels: dict[int, datetime] = {}
    for row in standing(db, account_id, citizen_id):
        levels.setdefault(row.level, row.obtained_at)
    return levels


def levels_of_account(db: Session, account_id: str) -> dict[int, datetime]:
    """As `levels_of`, for the citizen the account stands for now."""
    citizen_id = db.scalars(select(Account.citizen_id).where(Account.id == account_id)).one()
    return levels_of(db, account_id, citizen_id)


def record(db: Session, passed: Verification) -> Evidence:
    """The one row a pass becomes; unique by verification, so a second one cannot exist."""
    row = Evidence(
        id=new_id("ee"), account_id=passed.account_id, citizen_id=passed.citizen_id,
        level=METHODS[passed.method].level, method=passed.method, obtained_at=clock.now(), verification_id=passed.id,
    )  # fmt: skip
    db.add(row)
    db.flush()
    return row


def carry(db: Session, account_id: str, citizen_id: str) -> None:
    """The account joined another record of the same person: its proofs are proofs of that person."""
    db.execute(update(Evidence).where(Evidence.account_id == account_id).values(citizen_id=citizen_id))


def revoke(db: Session, account_id: str) -> None:
    """What the account proved no longer counts: it now claims to be somebody else."""
    db.execute(
        update(Evidence)
        .where(Evidence.account_id == account_id, Evidence.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )
