"""Real-name: a name and an id number, matched by the authority, lift an account to L2.

Wrong name, wrong number, unknown and deceased are one refusal by one path, answered on a fixed grid of time, so that
nobody learns more from us than "not matched" (security.md V5). An outage is no answer: nothing passes or counts (V6).
"""

import time
from typing import Final

from sqlalchemy.orm import Session

from app.core import clock, limits, uses
from app.core.chinaid import BadIdNumber, read_id_number
from app.core.db import transaction
from app.core.errors import FieldError, OutboundError, PlatformError, Problem
from app.core.log import get_log
from app.core.names import BadName, check_name
from app.core.principal import Principal
from app.platforms import registry
from app.platforms.base import IdentityClaim, Match, RealNameAnswer
from config.assurance import ANSWER_GRID_S, ASKING_LIVES_S
from identity import accounts, assurance, attempts, consent, joining, pii, verification
from identity.models import Account, Verification

log = get_log("real_name")

METHOD: Final = "real_name"
PURPOSE: Final = "real_name"
RECIPIENT: Final = "province"
RETRY_AFTER_S: Final = 30


class _Overtaken(Exception):
    """The attempt ended while the authority was thinking (consent withdrawn, too late): its answer must not count."""


def verify(principal: Principal, name: str, id_number: str, address: str) -> Verification:
    """Check the citizen's own name and number; the consumed attempt on a match. Raises Problem.

    `address`: the caller's, for the limiter.
    """
    claim = read_claim(name, id_number)
    limits.take("real_name_ip", address)
    limits.take("real_name_global", "all")
    limits.take("verification_start", principal.account_id)
    attempt = _intend(principal, claim)
    started = clock.monotonic()
    try:
        return _decide(attempt, claim, _ask(attempt, claim))
    finally:
        _wait_for_the_grid(started)


def read_claim(name: str, id_number: str) -> IdentityClaim:
    """What the citizen typed, in the form the authority reads. Raises Problem invalid_fields or guardian_required."""
    wrong = []
    try:
        check_name(name)
    except BadName as error:
        wrong.append(FieldError("name", error.reason))
    today = clock.now().astimezone(clock.BEIJING).date()
    try:
        number = read_id_number(id_number, today)
    except BadIdNumber as error:
        wrong.append(FieldError("id_number", error.reason))
    if wrong:
        raise Problem("invalid_fields", errors=wrong)
    pii.refuse_minor(number.value)
    return IdentityClaim(name.strip(" \u3000"), number.value)


def _intend(principal: Principal, claim: IdentityClaim) -> Verification:
    indexes = pii.number_indexes(claim.id_number)
    with transaction() as db:
        account = accounts.lock(db, principal.account_id)
        consent_id = consent.require(db, account.id, PURPOSE)
        _refuse_another_person(db, account, indexes)
        by_owner = attempts.check(db, account, indexes)
        attempt = verification.create(db, principal, METHOD, claim, consent_id, lives_s=ASKING_LIVES_S)
        attempts.reserve(db, attempt.id, account.id, indexes[0], of_holder=by_owner)
        uses.note(
            db, citizen_id=account.citizen_id, actor=account.id, purpose=PURPOSE, fields=("name", "id_number"),
            recipient=RECIPIENT, ref=attempt.id,
        )  # fmt: skip
        verification.move(db, attempt.id, "created", "pending", actor=account.id)
    return attempt


def _refuse_another_person(db: Session, account: Account, indexes: list[str]) -> None:
    citizen = pii.citizen_of(db, account.citizen_id)
    if citizen.holder and citizen.subject_index not in indexes:
        raise Problem("identity_fixed")


def _ask(attempt: Verification, claim: IdentityClaim) -> RealNameAnswer:
    try:
        return registry.province().two_factor(claim, PURPOSE, attempt.consent_id, attempt.id)
    except (OutboundError, PlatformError) as error:
        log.warning("real_name_unasked", object_id=attempt.id, error=type(error).__name__)
        _settle(attempt, "void", "unavailable", can_retry=True)
        wait = max(RETRY_AFTER_S, getattr(error, "retry_after_s", 0))
        raise unavailable(wait) from None


def _decide(attempt: Verification, claim: IdentityClaim, answer: RealNameAnswer) -> Verification:
    if answer.result is not Match.MATCH or not answer.subject_id:
        _settle(attempt, "refused", "not_matched", can_retry=True)
        raise Problem("identity_not_matched", detail={"methods": [assurance.way(METHOD), assurance.way("counter")]})
    try:
        return _pass(attempt, claim, answer.subject_id)
    except _Overtaken:
        raise unavailable(RETRY_AFTER_S) from None


def _pass(attempt: Verification, claim: IdentityClaim, subject_id: str) -> Verification:
    with transaction() as db:
        account = accounts.lock(db, attempt.account_id)
        joining.assume(db, account, claim, subject_id)
        attempts.settle(db, attempt.id, "matched")
        if not verification.passes(db, attempt.id):
            raise _Overtaken
        return verification.load(db, attempt.id)


def _settle(attempt: Verification, outcome: str, reason: str, *, can_retry: bool) -> None:
    with transaction() as db:
        accounts.lock(db, attempt.account_id)
        attempts.settle(db, attempt.id, outcome)
        verification.move(db, attempt.id, "pending", "failed", reason=reason, can_retry=can_retry)


def unavailable(wait_s: int) -> Problem:
    """The authority or the channel could not be asked; the counter is open all the same."""
    return Problem(
        "verification_unavailable", detail={"methods": [assurance.way("counter")]}, headers={"Retry-After": str(wait_s)}
    )


def _wait_for_the_grid(started: float) -> None:
    elapsed = clock.monotonic() - started
    time.sleep(ANSWER_GRID_S - elapsed % ANSWER_GRID_S)
