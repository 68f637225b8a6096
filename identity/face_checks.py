"""Asking how a face verification went: the channel first, then the authority, each by our own pull (V1, V4, V6).

    liveness   the channel says PASSED -> its transaction goes to the authority, which answers with a check to ask after
    authority  the check says PASSED, about the very transaction we handed over -> the verification passes

Who asks holds the poll row's lease, so one worker asks at a time whoever nudged: the client's finish, a callback, or
the clock. A failed call changes nothing; the next poll asks again. The compare carries our id as its key, so asking it
twice is asking it once.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.core import crypto, leases, uses
from app.core.db import ALL_TENANTS, transaction
from app.core.errors import OutboundError, PlatformError, PlatformRefused, Problem
from app.core.leases import Claim
from app.core.log import get_log
from app.platforms import registry
from app.platforms.base import AuthorityCheck, FaceState, IdentityClaim, Liveness
from config.assurance import POLL_CHECK_S, POLL_MOST_S
from identity import accounts, consent, pii, verification
from identity.models import Verification, VerificationPoll

log = get_log("face")

TABLE: Final = "verifications"
PURPOSE: Final = "face"
AUTHORITY: Final = "province"
LEASE_S: Final = 90  # three calls of 30 s at most
BATCH: Final = 20


@dataclass(frozen=True)
class Question:
    """Everything needed to ask about one attempt, read before the network is touched."""

    id: str
    account_id: str
    channel: str
    app_id: str
    openid: str = field(repr=False)
    claim: IdentityClaim = field(repr=False)
    provider_ref: str = field(repr=False)
    check_ref: str | None = field(repr=False)
    is_live: bool


@dataclass(frozen=True)
class Finding:
    """What asking brought: a final state with its reason, or PENDING and a pause."""

    state: FaceState
    reason: str = ""
    can_retry: bool = False
    delay_s: float = POLL_CHECK_S


def advance(verification_id: str) -> None:
    """Ask about one attempt now; nothing happens if somebody is asking already or it is over."""
    with transaction() as db:
        hurry(db, verification_id)
        held = _claim(db, 1, VerificationPoll.id == verification_id)
    for claim in held:
        _ask(claim)


def advance_due() -> int:
    """Ask about every attempt whose time has come; returns how many."""
    with transaction(ALL_TENANTS) as db:
        held = _claim(db, BATCH)
    for claim in held:
        _ask(claim)
    return len(held)


def hurry(db: Session, verification_id: str) -> None:
    """Somebody has heard something: this attempt is due now."""
    db.execute(
        update(VerificationPoll)
        .where(VerificationPoll.id == verification_id, VerificationPoll.state == "waiting")
        .values(next_at=func.clock_timestamp())
    )


def by_check(db: Session, ref_id: str) -> str | None:
    """The attempt whose check at the authority this is."""
    return db.scalars(
        select(Verification.id).where(Verification.check_ref_index.in_(crypto.blind_indexes("check_ref", ref_id)))
    ).one_or_none()


def _claim(db: Session, limit: int, *extra: Any) -> list[Claim]:
    return leases.claim(
        db, VerificationPoll, from_states=("waiting",), to_state="running", limit=limit, lease_s=LEASE_S, extra=extra
    )


def _ask(held: Claim) -> None:
    """One attempt, whatever it does: the others of the batch are leased already and would wait for its sake."""
    try:
        _put(held)
    except Exception as error:
        log.error("face_not_settled", object_id=held.id, n=held.n, exc_info=error)  # noqa: TRY400  class and place only
        pause_s = leases.backoff_s(held.n, first_s=POLL_CHECK_S, most_s=POLL_MOST_S)
        with transaction(held.tenant_id) as db:
            leases.release(db, VerificationPoll, held, state="waiting", delay_s=pause_s)


def _put(held: Claim) -> None:
    question = _read(held)
    if question is None:
        return
    try:
        finding = _authority(question, question.check_ref) if question.check_ref else _liveness(held, question)
    except PlatformRefused as error:
        # A definite no to the question itself: a proof already spent, a flow they do not know. Asking again is in vain.
        log.warning("face_refused", object_id=held.id, platform=error.platform, reason=error.code)
        finding = Finding(FaceState.FAILED, "refused", can_retry=True)
    except (OutboundError, PlatformError) as error:
        log.warning("face_unasked", object_id=held.id, error=type(error).__name__, n=held.n)
        finding = Finding(FaceState.PENDING, delay_s=leases.backoff_s(held.n, first_s=POLL_CHECK_S, most_s=POLL_MOST_S))
    if finding is not None:
        _conclude(held, question, finding)


def _read(held: Claim) -> Question | None:
    """None: there is nothing to ask any more, and the poll row says so."""
    with transaction(held.tenant_id) as db:
        row = verification.load(db, held.id)
        account = accounts.lock(db, row.account_id)
        if row.state != "pending":
            leases.settle(db, VerificationPoll, held, state="done")
            return None
        if not verification.is_same_person(db, row):
            leases.settle(db, VerificationPoll, held, state="done")
            verification.move(db, row.id, "pending", "failed", reason="identity_changed", can_retry=True)
            return None
        return Question(
            row.id, account.id, row.channel, row.app_id, accounts.openid_of(db, account.id),
            pii.claim_of(db, account.citizen_id), _open(row, "provider_ref_sealed") or "",
            _open(row, "check_ref_sealed"), row.live_at is not None,
        )  # fmt: skip


def _liveness(held: Claim, asked: Question) -> Finding | None:
    """None: the lease was lost on the way, or the consent; whoever has the row now decides."""
    if not asked.is_live:
        answer = registry.face(asked.channel).query(
            asked.app_id, asked.openid, asked.claim, asked.id, asked.provider_ref
        )
        if answer.provider_ref not in ("", asked.provider_ref):
            return Finding(FaceState.FAILED, "other_transaction")
        if answer.state is not FaceState.PASSED:
            wait = leases.backoff_s(held.n, first_s=POLL_CHECK_S, most_s=POLL_MOST_S)
            return Finding(answer.state, answer.reason, answer.can_retry, wait)
    refused = _may_compare(held, asked)
    if refused is not None:
        return refused
    check = registry.province().face_compare(
        asked.claim, Liveness(asked.channel, asked.provider_ref), PURPOSE, asked.id
    )
    if not _note_check(held, asked, check):
        return None
    # An answer at once is only a hint as well: the check itself is asked.
    return Finding(FaceState.PENDING) if check.state is FaceState.PENDING else _authority(asked, check.ref_id)


def _may_compare(held: Claim, asked: Question) -> Finding | None:
    """The consent stands at the moment the data leaves, and the leaving is written down first."""
    with transaction(held.tenant_id) as db:
        account = accounts.lock(db, asked.account_id)
        if not leases.is_held(db, VerificationPoll, held):
            return Finding(FaceState.PENDING)
        try:
            consent.require(db, account.id, PURPOSE)
        except Problem:
            return Finding(FaceState.FAILED, "consent_withdrawn", can_retry=True)
        if not asked.is_live:
            db.execute(update(Verification).where(Verification.id == asked.id).values(live_at=func.clock_timestamp()))
        uses.note(
            db, citizen_id=account.citizen_id, actor=account.id, purpose=PURPOSE, fields=("name", "id_number"),
            recipient=AUTHORITY, ref=asked.id,
        )  # fmt: skip
    return None


def _note_check(held: Claim, asked: Question, check: AuthorityCheck) -> bool:
    sealed = crypto.seal(check.ref_id, table=TABLE, column="check_ref_sealed", row_id=asked.id)
    index = crypto.blind_index("check_ref", check.ref_id)
    with transaction(held.tenant_id) as db:
        if not leases.is_held(db, VerificationPoll, held):
            return False
        db.execute(
            update(Verification)
            .where(Verification.id == asked.id, Verification.state == "pending")
            .values(check_ref_sealed=sealed, check_ref_index=index)
        )
    return True


def _authority(asked: Question, ref_id: str) -> Finding:
    check = registry.province().face_check(ref_id)
    if (check.ref_id, check.transaction) != (ref_id, asked.provider_ref):
        return Finding(FaceState.FAILED, "other_transaction")
    return Finding(check.state, check.reason, can_retry=check.state is FaceState.FAILED)


def _conclude(held: Claim, asked: Question, finding: Finding) -> None:
    with transaction(held.tenant_id) as db:
        accounts.lock(db, asked.account_id)
        if finding.state is FaceState.PENDING:
            leases.release(db, VerificationPoll, held, state="waiting", delay_s=finding.delay_s)
        elif leases.settle(db, VerificationPoll, held, state="done"):
            _write(db, asked, finding)


def _write(db: Session, asked: Question, finding: Finding) -> None:
    if finding.state is FaceState.PASSED:
        verification.passes(db, asked.id)
    else:
        verification.move(
            db, asked.id, "pending", finding.state.value, reason=finding.reason, can_retry=finding.can_retry
        )


def _open(row: Verification, column: str) -> str | None:
    sealed: str | None = getattr(row, column)
    return sealed and crypto.unseal(sealed, table=TABLE, column=column, row_id=row.id)
