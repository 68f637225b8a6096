"""The life of an attempt. Rows decide, and every write is conditional on state and fencing number.

    queued --claim--> leased --intent committed--> sending --bytes--> accepted_by_channel --receipt--> delivered
       ^                |                             |                                        `--> failed_by_channel
       |                +--> rejected, expired        +--> rejected (the channel's no)
       +--- deferred <--+-----------------------------+--> deferred (it said later, or nothing was sent)
                                                      +--> unknown (no whole answer, or the worker died)

No channel has an idempotency key, so under at-most-once an unknown is never sent again; only a receipt can resolve it.
A `leased` row is taken over freely, because its bytes have not left; a `sending` one never.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import exists, func, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from app.core import clock, leases, uses
from app.core.db import transaction
from app.core.errors import (
    NotSent,
    OutcomeUnknown,
    PlatformBusy,
    PlatformGarbled,
    PlatformMisconfigured,
    PlatformRefused,
)
from app.core.log import get_log
from app.platforms import registry
from app.platforms.base import SendAnswer, SendState
from config.messages import KINDS
from identity import accounts
from notifications import compose, grants, messages, receipts
from notifications.models import Attempt, Message, Template

log = get_log("notifications")

LEASE_S: Final = 60  # longer than one outbound call may take in all (30 s)
BATCH: Final = 16
BUSY_RECIPIENT_S: Final = 2.0
QUOTA_S: Final = 3600.0
MISCONFIGURED_S: Final = 600.0

# the channel's reason -> how long to wait; every other reason is final
LATER: Final = {"busy_recipient": BUSY_RECIPIENT_S, "quota": QUOTA_S}


class _Stopped(Exception):
    """Not to be sent now. The transaction that found out is rolled back; `state` is written in the next."""

    def __init__(self, state: str, reason: str, delay_s: float | None = None) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason
        self.delay_s = delay_s


@dataclass(frozen=True)
class Outgoing:
    """What one send needs; made in the transaction that commits the intent."""

    held: leases.Claim
    account_id: str
    template_row: str
    channel: str
    app_id: str
    openid: str = field(repr=False)
    template_id: str
    payload: dict[str, str] = field(repr=False)
    page: str | None
    lang: str
    tries: int


def deliver_due() -> int:
    """Claim a batch of due attempts and carry each as far as it goes; answers how many were claimed."""
    with transaction() as db:
        held = leases.claim(
            db, Attempt, from_states=("queued", "deferred"), to_state="leased", limit=BATCH, lease_s=LEASE_S
        )
    for claim in held:
        _carry(claim)
    return len(held)


def notice_lost() -> int:
    """Attempts whose worker died after the intent: nobody knows whether the bytes left."""
    with transaction() as db:
        lost = leases.lapse(db, Attempt, from_state="sending", to_state="unknown")
        for claim in lost:
            grants.settle(db, claim.id, "maybe_used")
            log.warning("attempt_lost", object_id=claim.id, n=claim.n)
    return len(lost)


def _carry(held: leases.Claim) -> None:
    try:
        outgoing = _intend(held)
    except _Stopped as stopped:
        _stop(held, stopped)
    except IntegrityError:  # another worker's intent for this account was first
        _stop(held, _Stopped("deferred", "busy_recipient", BUSY_RECIPIENT_S))
    except Exception as error:  # noqa: BLE001  nothing was sent; one message that cannot be built must not stop the others
        _not_prepared(held, error)
    else:
        if outgoing is not None:
            _send_one(outgoing)


# ---- the intent ----------------------------------------------------------------------------------------------------


def _intend(held: leases.Claim) -> Outgoing | None:
    """Commit that this attempt is about to be sent; None if the lease is no longer ours."""
    with transaction() as db:
        attempt = db.get_one(Attempt, held.id)
        if (attempt.n, attempt.state) != (held.n, held.state):
            return None
        outgoing = _outgoing(db, held, attempt)
        if not _begin_sending(db, held, attempt.account_id):
            raise _Stopped("deferred", "busy_recipient", BUSY_RECIPIENT_S)
    return outgoing


def _outgoing(db: Session, held: leases.Claim, attempt: Attempt) -> Outgoing:
    message, template = db.get_one(Message, attempt.message_id), db.get_one(Template, attempt.template_id)
    if message.expires_at <= clock.now():
        raise _Stopped("expired", "too_late")
    if template.banned_at is not None:
        raise _Stopped("rejected", "banned")
    if not grants.take(db, attempt.account_id, template.id, attempt.id):
        raise _Stopped("rejected", "no_grant")
    values = messages.values_of(message)
    uses.note(
        db, citizen_id=message.citizen_id, actor="notifications", purpose=f"message.{message.kind}",
        fields=("openid", *sorted(values)), recipient=attempt.channel, ref=attempt.id,
    )  # fmt: skip
    return Outgoing(
        held=replace(held, state="sending"), account_id=attempt.account_id, template_row=template.id,
        channel=attempt.channel, app_id=attempt.app_id, openid=accounts.openid_of(db, attempt.account_id),
        template_id=template.platform_template_id, payload=compose.payload(template.fields, values),
        page=compose.page_of(KINDS[message.kind], values), lang=template.lang, tries=attempt.tries + 1,
    )  # fmt: skip


def _begin_sending(db: Session, held: leases.Claim, account_id: str) -> bool:
    """Conditional on state, fencing number, and nothing else of this account being in flight."""
    other = aliased(Attempt)
    free = ~exists().where(other.account_id == account_id, other.state == "sending")
    moved = db.execute(
        update(Attempt)
        .where(Attempt.id == held.id, Attempt.n == held.n, Attempt.state == held.state, free)
        .values(
            state="sending", tries=Attempt.tries + 1, sent_at=clock.now(),
            lease_until=func.clock_timestamp() + timedelta(seconds=LEASE_S),
        )
        .returning(Attempt.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return moved.first() is not None


def _not_prepared(held: leases.Claim, error: Exception) -> None:
    log.error("attempt_not_prepared", object_id=held.id, n=held.n, error=type(error).__name__)
    _stop(held, _Stopped("deferred", "not_prepared", leases.backoff_s(held.n)))


def _stop(held: leases.Claim, stopped: _Stopped) -> None:
    with transaction() as db:
        if stopped.delay_s is not None:
            leases.release(db, Attempt, held, state=stopped.state, delay_s=stopped.delay_s, reason=stopped.reason)
        else:
            leases.settle(db, Attempt, held, state=stopped.state, reason=stopped.reason, settled_at=clock.now())


# ---- the bytes and the outcome -------------------------------------------------------------------------------------


def _send_one(out: Outgoing) -> None:
    try:
        _send(out)
    except Exception as error:  # it may have left, so it is unknown now and not in a minute; the batch goes on
        log.error("attempt_not_settled", object_id=out.held.id, exc_info=error)  # noqa: TRY400  class and place only
        _lose(out)


def _send(out: Outgoing) -> None:
    try:
        answer = registry.messages(out.channel).send(
            out.app_id, out.openid, out.template_id, out.payload, out.page, out.lang
        )
    except (NotSent, PlatformBusy) as error:
        _defer(out, "not_sent", max(leases.backoff_s(out.tries), getattr(error, "retry_after_s", 0)))
    except PlatformMisconfigured as error:
        _misconfigured(out, error)
    except PlatformRefused as error:
        _refuse(out, "refused", error.code)
    except (OutcomeUnknown, PlatformGarbled):
        _lose(out)
    else:
        _answered(out, answer)


def _answered(out: Outgoing, answer: SendAnswer) -> None:
    if answer.state is SendState.ACCEPTED:
        _accept(out, answer.message_id)
    elif answer.reason in LATER:
        _defer(out, answer.reason, LATER[answer.reason])
    else:
        _refuse(out, answer.reason, answer.code)


def _misconfigured(out: Outgoing, error: PlatformMisconfigured) -> None:
    log.error("message_credential_refused", object_id=out.held.id, platform=error.platform, code=error.code)
    _defer(out, "misconfigured", MISCONFIGURED_S)


def _accept(out: Outgoing, message_id: str) -> None:
    with transaction() as db:
        values = {"channel_message_id": message_id or None, "settled_at": clock.now(), "reason": ""}
        if leases.settle(db, Attempt, out.held, state="accepted_by_channel", **values):
            grants.settle(db, out.held.id, "used")
            receipts.apply_early(db, out.held.id)


def _defer(out: Outgoing, reason: str, delay_s: float) -> None:
    with transaction() as db:
        if leases.release(db, Attempt, out.held, state="deferred", delay_s=delay_s, reason=reason):
            grants.settle(db, out.held.id, "given")


def _refuse(out: Outgoing, reason: str, code: str) -> None:
    values = {"reason": reason, "code": code, "settled_at": clock.now()}
    with transaction() as db:
        if leases.settle(db, Attempt, out.held, state="rejected", **values):
            _ledger_of_refusal(db, out, reason)


def _ledger_of_refusal(db: Session, out: Outgoing, reason: str) -> None:
    if reason == "no_grant":
        grants.void(db, out.account_id, out.template_row, "refused_by_channel")
        return
    grants.settle(db, out.held.id, "given")
    if reason == "banned":
        db.execute(update(Template).where(Template.id == out.template_row).values(banned_at=clock.now()))


def _lose(out: Outgoing) -> None:
    with transaction() as db:
        if leases.settle(db, Attempt, out.held, state="unknown", reason="no_answer", settled_at=clock.now()):
            grants.settle(db, out.held.id, "maybe_used")
