"""Which citizen an account stands for: its own stub, a claimed identity, or the holder of a number.

    L2  the account's own citizen carries the identity; another citizen of the same number stays apart, both are told
    L3  nobody holds the number yet: this citizen becomes the holder; somebody does: the account joins the holder

So knowing somebody's name and number shows nothing of theirs. Called by verification.py inside the transaction that
consumes a pass, which holds the account's lock; a lock by number makes two of the same person wait for each other.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import audit, events
from app.platforms.base import IdentityClaim
from identity import accounts, evidence, pii
from identity.models import Account, Citizen

TOLD_AT_MOST: Final = 20


def assume(db: Session, account: Account, claim: IdentityClaim, subject_ref: str) -> None:
    """L2: the account's citizen is the person of this claim; a change of person starts a new citizen."""
    indexes = pii.number_indexes(claim.id_number)
    lock_number(db, indexes)
    citizen = pii.citizen_of(db, account.citizen_id)
    same_person = citizen.subject_index in indexes
    if citizen.subject_index is not None and not same_person:
        citizen = _start_over(db, account)
    pii.write(db, citizen, claim, subject_ref)
    if not same_person:
        _tell_claimants(db, citizen, indexes)


def hold_or_join(db: Session, account: Account) -> None:
    """L3: become the holder of the number, or join who holds it."""
    citizen = pii.citizen_of(db, account.citizen_id)
    if citizen.holder:
        return
    indexes = pii.number_indexes(pii.claim_of(db, citizen.id).id_number)
    lock_number(db, indexes)
    holder = db.scalars(select(Citizen).where(Citizen.subject_index.in_(indexes), Citizen.holder)).one_or_none()
    if holder is None:
        citizen.holder = True
        db.flush()
    else:
        _join(db, account, citizen, holder)


def lock_number(db: Session, indexes: Sequence[str]) -> None:
    """Everything about one id number happens one after another, across accounts, until the commit."""
    db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(indexes[-1], 0))))


def _start_over(db: Session, account: Account) -> Citizen:
    evidence.revoke(db, account.id)
    citizen = accounts.new_citizen(db)
    account.citizen_id = citizen.id
    db.flush()
    return citizen


def _join(db: Session, account: Account, stub: Citizen, holder: Citizen) -> None:
    account.citizen_id = holder.id
    stub.merged_into = holder.id
    pii.blank(stub)
    db.flush()
    evidence.carry(db, account.id, holder.id)
    audit.record(
        db, actor=account.id, act="account.join", object_id=holder.id, outcome="done", detail={"from": stub.id}
    )
    events.emit(
        db, "account.joined", account.id,
        {"account_id": account.id, "citizen_id": holder.id, "from_citizen_id": stub.id},
    )  # fmt: skip


def _tell_claimants(db: Session, citizen: Citizen, indexes: Sequence[str]) -> None:
    others = db.scalars(
        select(Citizen.id)
        .where(Citizen.subject_index.in_(indexes), Citizen.id != citizen.id)
        .order_by(Citizen.holder.desc(), Citizen.id)
        .limit(TOLD_AT_MOST)
    )
    for other in others:
        events.emit(db, "identity.second_claim", citizen.id, {"citizen_id": citizen.id, "other_citizen_id": other})
