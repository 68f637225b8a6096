"""Face: the channel's own flow shows that a live person is there, the authority compares that person; both give L3.

This module starts a flow and lets the citizen look at it; face_checks.py asks how it went. The client's "finished" is
only a nudge (V1). Never an image: what passes through here are the provider's transaction ids.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.core import clock, crypto, limits, uses
from app.core.db import transaction
from app.core.errors import OutboundError, PlatformError
from app.core.log import get_log
from app.core.principal import Principal
from app.platforms import registry
from app.platforms.base import FaceStart, IdentityClaim
from config.assurance import ASKING_LIVES_S, FLOW_LIVES_S, POLL_FIRST_S, REAL_NAME
from identity import accounts, assurance, consent, face_checks, pii, verification
from identity.models import Verification, VerificationPoll
from identity.real_name import RETRY_AFTER_S, unavailable

log = get_log("face")

METHOD: Final = "face"
PURPOSE: Final = "face"


@dataclass(frozen=True)
class StartedFace:
    """A flow the client can run now, with the parameters it needs, handed on as the channel gave them."""

    verification: Verification
    client: dict[str, str]


def start(principal: Principal, purpose: str, matter_id: str | None) -> StartedFace:
    """Bind an attempt, start the channel's flow, hand its parameters to the client. Raises Problem."""
    assurance.require(principal, REAL_NAME)
    limits.take("verification_start", principal.account_id)
    attempt, openid, claim = _intend(principal, purpose, matter_id)
    started = _ask(attempt, openid, claim)
    return StartedFace(_note_start(attempt, started), dict(started.client))


def finish(principal: Principal, verification_id: str) -> Verification:
    """The client says it is done: ask the provider now, unless somebody is already asking. Answers where it stands."""
    row = verification.own(principal, verification_id)
    limits.take("verification_finish", principal.account_id)
    if row.method == METHOD and row.state == "pending":
        face_checks.advance(row.id)
    with transaction() as db:
        return verification.load(db, row.id)


def _intend(principal: Principal, purpose: str, matter_id: str | None) -> tuple[Verification, str, IdentityClaim]:
    with transaction() as db:
        account = accounts.lock(db, principal.account_id)
        consent_id = consent.require(db, account.id, PURPOSE)
        claim = pii.claim_of(db, account.citizen_id)
        pii.refuse_minor(claim.id_number)
        attempt = verification.create(
            db, principal, METHOD, claim, consent_id, lives_s=ASKING_LIVES_S, purpose=purpose, matter_id=matter_id
        )
        uses.note(
            db, citizen_id=account.citizen_id, actor=account.id, purpose=PURPOSE, fields=("name", "id_number"),
            recipient=account.channel, ref=attempt.id,
        )  # fmt: skip
        return attempt, accounts.openid_of(db, account.id), claim


def _ask(attempt: Verification, openid: str, claim: IdentityClaim) -> FaceStart:
    try:
        return registry.face(attempt.channel).start(attempt.app_id, openid, claim, attempt.id)
    except (OutboundError, PlatformError) as error:
        log.warning("face_not_started", object_id=attempt.id, channel=attempt.channel, error=type(error).__name__)
        with transaction() as db:
            accounts.lock(db, attempt.account_id)
            verification.move(db, attempt.id, "created", "failed", reason="unavailable", can_retry=True)
        raise unavailable(max(RETRY_AFTER_S, getattr(error, "retry_after_s", 0))) from None


def _note_start(attempt: Verification, started: FaceStart) -> Verification:
    now = clock.now()
    lives_s = min(started.expires_in_s, FLOW_LIVES_S)
    ref = crypto.seal(started.provider_ref, table="verifications", column="provider_ref_sealed", row_id=attempt.id)
    with transaction() as db:
        accounts.lock(db, attempt.account_id)
        moved = verification.move(
            db, attempt.id, "created", "pending", actor=attempt.account_id, provider_ref_sealed=ref,
            expires_at=now + timedelta(seconds=lives_s),
        )  # fmt: skip
        if moved:
            db.add(VerificationPoll(id=attempt.id, state="waiting", n=0, next_at=now + timedelta(seconds=POLL_FIRST_S)))
            db.flush()
        return verification.load(db, attempt.id)
