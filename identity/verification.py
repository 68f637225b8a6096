"""Verifications: one attempt each to prove identity, as a state machine in which a pass counts once (V1-V4).

    created --> pending --> passed --> consumed --> revoked
       |           |          |
       +--> failed +--> failed+--> expired, revoked
       +--> expired+--> expired

Only our own question to the provider and the authority writes `passed`; clients and callbacks merely make us ask. A
pass becomes one evidence row at once, or, with purpose `act`, waits at most PASS_LIVES_S for its one named act. Every
move is one conditional UPDATE with one audit row. real_name.py and face.py drive it; nothing here calls the network.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import audit, clock, events, leases
from app.core.db import transaction
from app.core.errors import Problem
from app.core.ids import is_id, new_id
from app.core.principal import Principal
from app.platforms.base import IdentityClaim
from config.assurance import METHODS, PASS_LIVES_S, REAL_PERSON
from identity import accounts, evidence, joining, pii, sessions
from identity.models import Verification

# The table the drawing above shows; a state that is no key is final.
MOVES: Final[dict[str, frozenset[str]]] = {
    "created": frozenset({"pending", "failed", "expired"}),
    "pending": frozenset({"passed", "failed", "expired"}),
    "passed": frozenset({"consumed", "expired", "revoked"}),
    "consumed": frozenset({"revoked"}),
}
LEVEL, ACT = "level", "act"
SYSTEM: Final = "system"
REFS_KEPT_FOR: Final = timedelta(days=30)


def create(
    db: Session, principal: Principal, method: str, claim: IdentityClaim, consent_id: str, *,
    lives_s: float, purpose: str = LEVEL, matter_id: str | None = None,
) -> Verification:  # fmt: skip
    """Bind a new attempt to everything it may later be held against (V2)."""
    now = clock.now()
    row = Verification(
        id=new_id("vf"), account_id=principal.account_id, citizen_id=principal.citizen_id, channel=principal.channel,
        app_id=principal.app_id, method=method, purpose=purpose, matter_id=matter_id,
        identity_index=pii.identity_indexes(claim)[0], consent_id=consent_id, state="created", reason="",
        can_retry=False, created_at=now, expires_at=now + timedelta(seconds=lives_s),
    )  # fmt: skip
    db.add(row)
    db.flush()
    _audit(db, row.id, principal.actor, "created", {"method": method, "purpose": purpose})
    return row


def move(db: Session, verification_id: str, was: str, becomes: str, *, actor: str = SYSTEM, **values: Any) -> bool:
    """One transition if the row is still where it was. False: somebody was faster, or the state is final."""
    if becomes not in MOVES.get(was, ()):
        raise ValueError(f"no way from {was} to {becomes}")
    moved = leases.move(db, Verification, verification_id, from_states=(was,), state=becomes, **values)
    if moved:
        _audit(db, verification_id, actor, becomes, {"from": was, "reason": values.get("reason", "")})
    return moved


def load(db: Session, verification_id: str) -> Verification:
    """The row as the database has it now."""
    return db.scalars(
        select(Verification).where(Verification.id == verification_id).execution_options(populate_existing=True)
    ).one()


def own(principal: Principal, verification_id: str) -> Verification:
    """The citizen's own attempt, through this account of this app; a later session of it may go on.

    Raises Problem not_found for everything else, and leaves an audit row when the attempt exists.
    """
    with transaction() as db:
        row = _find(db, verification_id)
        if row is not None and not _bound_to(row, principal):
            _refused(db, row.id, principal, "binding")
            row = None
    if row is None:
        raise Problem("not_found")
    return row


def passes(db: Session, verification_id: str) -> bool:
    """From pending to passed, and for purpose `level` on to its evidence. The caller asked the authority just now."""
    now = clock.now()
    values: dict[str, Any] = {"passed_at": now, "expires_at": now + timedelta(seconds=PASS_LIVES_S)}
    if not move(db, verification_id, "pending", "passed", **values):
        return False
    row = load(db, verification_id)
    return _into_evidence(db, row) if row.purpose == LEVEL else True


def spend(db: Session, principal: Principal, verification_id: str, *, matter_id: str, act: str) -> bool:
    """Use a pass of purpose `act` for its one act, in the act's own transaction. True exactly once.

    False: not passed, used, too old, or bound to another account, app, matter or identity; the audit says so, therefore
    the caller commits and refuses afterwards rather than raising inside the transaction.
    """
    spent = db.execute(
        update(Verification)
        .where(
            Verification.id == verification_id, Verification.state == "passed", Verification.consumed_at.is_(None),
            Verification.expires_at > clock.now(), Verification.purpose == ACT, Verification.matter_id == matter_id,
            Verification.account_id == principal.account_id, Verification.channel == principal.channel,
            Verification.app_id == principal.app_id,
            Verification.identity_index.in_(_indexes_of(db, principal)),
        )
        .values(state="consumed", consumed_at=clock.now(), consumed_by=act)
        .returning(Verification.id)
        .execution_options(synchronize_session=False)
    ).first()  # fmt: skip
    if spent is None:
        _refused(db, verification_id, principal, "not_spendable")
        return False
    _audit(db, verification_id, principal.actor, "consumed", {"from": "passed", "reason": act})
    return True


def stop_for(db: Session, account_id: str, purpose: str) -> None:
    """A withdrawn consent: what was under way with it ends here, a pass not yet used is revoked."""
    for row in _open_of(db, account_id, purpose):
        becomes = "revoked" if row.state == "passed" else "failed"
        move(db, row.id, row.state, becomes, actor=account_id, reason="consent_withdrawn")


def expire_due(limit: int = 200) -> int:
    """Sweep: what was not finished, or not used, in its time."""
    with transaction() as db:
        rows = db.scalars(
            select(Verification)
            .where(Verification.state.in_(("created", "pending", "passed")), Verification.expires_at < clock.now())
            .with_for_update(skip_locked=True)
            .limit(limit)
        ).all()
        for row in rows:
            move(db, row.id, row.state, "expired", reason=row.reason or "too_late")
        return len(rows)


def forget_refs() -> None:
    """Purge providers' transaction ids of attempts that ended a month ago: they are biometric processing's traces."""
    with transaction() as db:
        db.execute(
            update(Verification)
            .where(
                Verification.state.not_in(("created", "pending")),
                Verification.created_at < clock.now() - REFS_KEPT_FOR,
                Verification.provider_ref_sealed.is_not(None) | Verification.check_ref_sealed.is_not(None),
            )
            .values(provider_ref_sealed=None, check_ref_sealed=None, check_ref_index=None)
        )


def _into_evidence(db: Session, row: Verification) -> bool:
    used: dict[str, Any] = {"consumed_at": clock.now(), "consumed_by": "evidence"}
    if not move(db, row.id, "passed", "consumed", **used):
        return False
    account = accounts.lock(db, row.account_id)
    row.citizen_id = account.citizen_id
    proof = evidence.record(db, row)
    if proof.level >= REAL_PERSON:
        joining.hold_or_join(db, account)
    sessions.bump(db, account)
    events.emit(
        db, "account.verified", account.id,
        {"account_id": account.id, "citizen_id": account.citizen_id, "level": proof.level},
    )  # fmt: skip
    return True


def _find(db: Session, verification_id: str) -> Verification | None:
    if not is_id("vf", verification_id):
        return None
    return db.scalars(select(Verification).where(Verification.id == verification_id)).one_or_none()


def _bound_to(row: Verification, principal: Principal) -> bool:
    bound = (row.account_id, row.channel, row.app_id)
    return bound == (principal.account_id, principal.channel, principal.app_id)


def is_same_person(db: Session, row: Verification) -> bool:
    """Whether the account is still who it was when the attempt began."""
    account = accounts.lock(db, row.account_id)
    return row.identity_index in pii.identity_indexes(pii.claim_of(db, account.citizen_id))


def _indexes_of(db: Session, principal: Principal) -> Sequence[str]:
    try:
        return pii.identity_indexes(pii.claim_of(db, principal.citizen_id))
    except pii.NobodyKnown:
        return ()


def _open_of(db: Session, account_id: str, purpose: str) -> Sequence[Verification]:
    methods = [name for name, method in METHODS.items() if method.consent == purpose]
    return db.scalars(
        select(Verification).where(
            Verification.account_id == account_id,
            Verification.method.in_(methods),
            Verification.state.in_(("created", "pending", "passed")),
        )
    ).all()


def _refused(db: Session, verification_id: str, principal: Principal, reason: str) -> None:
    audit.record(
        db, actor=principal.actor, act="verification.use", object_id=verification_id, outcome="refused",
        detail={"reason": reason},
    )  # fmt: skip


def _audit(
    db: Session, verification_id: str, actor: str, state: str, detail: dict[str, str | int | bool | None]
) -> None:
    audit.record(db, actor=actor, act=f"verification.{state}", object_id=verification_id, outcome="done", detail=detail)
