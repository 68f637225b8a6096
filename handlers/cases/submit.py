"""Handing cases to the province, each at most once by us under its own key.

    queued --claim (intent committed)--> submitting --bytes--> submitted | refused
                                              | no whole answer, or the worker died
                                              v
                                           unknown --ask by key--> submitted | (twice absent) queued again

The case's id is the province's Idempotency-Key, so even a second submission after a wrong "absent" is one case there;
we ask first all the same, because the province remembers keys only as long as it says.
"""

from sqlalchemy.orm import Session

from app.core import audit, clock, leases, tasks, uses
from app.core.db import transaction
from app.core.errors import (
    NotSent,
    OutboundError,
    OutcomeUnknown,
    PlatformBusy,
    PlatformError,
    PlatformGarbled,
    PlatformMisconfigured,
    PlatformRefused,
)
from app.core.log import get_log
from app.platforms import registry
from app.platforms.base import CaseSnapshot, CaseSubmission
from handlers.cases import cases, progress
from handlers.cases.models import Case, CasePull
from handlers.cases.models import CaseSubmission as Row
from identity import pii

log = get_log("cases")

LEASE_S = 60  # longer than one outbound call may take in all (30 s)
FIRST_ASK_S = 5
MOST_PAUSE_S = 600.0
MISCONFIGURED_PAUSE_S = 600.0
ABSENCES_BEFORE_RESEND = 2
QUIET_S = 60  # a request still travelling when we first asked has arrived, or is lost, by then


def submit_next() -> bool:
    """Submit one queued case; False when none is due."""
    with transaction() as db:
        held = leases.claim(
            db, Row, from_states=("queued",), to_state="submitting", limit=1, lease_s=LEASE_S, reclaim=False
        )
    for claim in held:
        _submit(claim)
    return bool(held)


def _submit(held: leases.Claim) -> None:
    try:
        submission = _prepared(held)
    except Exception as error:  # noqa: BLE001  nothing was sent; one case that cannot be built must not stop the others
        _not_prepared(held, error)
        return
    try:
        _hand_over(held, submission)
    except Exception as error:  # it may have been executed: this case is asked about, the next goes on
        log.error("case_not_settled", object_id=held.id, n=held.n, exc_info=error)  # noqa: TRY400  class and place only
        _unknown(held)


def _hand_over(held: leases.Claim, submission: CaseSubmission) -> None:
    try:
        shown = registry.province().submit_case(submission)
    except (NotSent, PlatformBusy) as error:
        _again(held, max(leases.backoff_s(held.n, most_s=MOST_PAUSE_S), getattr(error, "retry_after_s", 0)))
    except PlatformMisconfigured as error:
        _misconfigured(held, error)
    except PlatformRefused as error:
        _refused(held, error)
    except (OutcomeUnknown, PlatformGarbled):
        _unknown(held)
    else:
        _submitted(held, shown)


def _prepared(held: leases.Claim) -> CaseSubmission:
    """What is sent, and the note in the uses ledger that it is."""
    with transaction() as db:
        case = db.get_one(Case, held.id)
        submission = CaseSubmission(
            case_id=case.id, item_code=case.item_code, item_version=case.item_version,
            subject_id=pii.subject_of(db, case.citizen_id), form=cases.form_of(case),
            accept_region=case.accept_region, channel=case.channel,
        )  # fmt: skip
        uses.note(
            db, citizen_id=case.citizen_id, actor=case.account_id, purpose="case.submit",
            fields=("subject", *sorted(submission.form)), recipient="province", ref=case.id,
        )  # fmt: skip
        return submission


def _not_prepared(held: leases.Claim, error: Exception) -> None:
    log.error("case_not_prepared", object_id=held.id, n=held.n, error=type(error).__name__)
    _again(held, leases.backoff_s(held.n, most_s=MOST_PAUSE_S))


def _misconfigured(held: leases.Claim, error: PlatformMisconfigured) -> None:
    log.error("case_credential_refused", object_id=held.id, platform=error.platform, code=error.code)
    _again(held, MISCONFIGURED_PAUSE_S)


def _again(held: leases.Claim, delay_s: float) -> None:
    with transaction() as db:
        leases.release(db, Row, held, state="queued", delay_s=delay_s)


def _refused(held: leases.Claim, error: PlatformRefused) -> None:
    log.warning("case_refused", object_id=held.id, platform=error.platform, code=error.code)
    with transaction() as db:
        if leases.settle(db, Row, held, state="refused", reason=error.code, settled_at=clock.now()):
            progress.move_ours(db, held.id, "refused")
            _on_record(db, held.id, "refused")


def _unknown(held: leases.Claim) -> None:
    with transaction() as db:
        if leases.release(db, Row, held, state="unknown", delay_s=FIRST_ASK_S):
            progress.move_ours(db, held.id, "unknown")
            _on_record(db, held.id, "unknown")


def _submitted(held: leases.Claim, shown: CaseSnapshot) -> None:
    with transaction() as db:
        if not leases.settle(db, Row, held, state="submitted", settled_at=clock.now()):
            return
        case = db.get_one(Case, held.id, with_for_update=True)
        case.case_no = shown.case_no
        progress.apply(db, held.id, shown)
        # Pulled at once: a callback that overtook our answer found no case under this number.
        db.add(CasePull(id=held.id, tenant_id=case.tenant_id, state="wanted"))
        tasks.wake(db, "pull_cases")
        _on_record(db, held.id, "submitted")


def _on_record(db: Session, case_id: str, outcome: str) -> None:
    audit.record(db, actor="cases", act="case.submit", object_id=case_id, outcome=outcome)


def notice_lost() -> int:
    """Submissions whose worker died with the lease: what became of them has to be asked."""
    with transaction() as db:
        lost = leases.lapse(db, Row, from_state="submitting", to_state="unknown", delay_s=FIRST_ASK_S)
        for claim in lost:
            progress.move_ours(db, claim.id, "unknown")
            _on_record(db, claim.id, "unknown")
    return len(lost)


def resolve_next() -> bool:
    """Ask the province about one submission of unknown outcome; False when none is due."""
    with transaction() as db:
        held = leases.claim(db, Row, from_states=("unknown",), to_state="asking", limit=1, lease_s=LEASE_S)
    for claim in held:
        _resolve(claim)
    return bool(held)


def _resolve(held: leases.Claim) -> None:
    try:
        _ask(held)
    except (OutboundError, PlatformError) as error:
        log.warning("case_not_resolved", object_id=held.id, n=held.n, error=type(error).__name__)
        _keep_unknown(held)
    except Exception as error:  # an answer that cannot be written must not stop the other cases
        log.error("case_not_settled", object_id=held.id, n=held.n, exc_info=error)  # noqa: TRY400  class and place only
        _keep_unknown(held)


def _ask(held: leases.Claim) -> None:
    shown = registry.province().find_case_by_key(held.id)
    if shown is not None:
        _submitted(held, shown)
    else:
        _absent(held)


def _keep_unknown(held: leases.Claim) -> None:
    with transaction() as db:
        leases.release(db, Row, held, state="unknown", delay_s=leases.backoff_s(held.n, first_s=FIRST_ASK_S))


def _absent(held: leases.Claim) -> None:
    with transaction() as db:
        row = db.get_one(Row, held.id)
        if row.absences + 1 < ABSENCES_BEFORE_RESEND:
            leases.release(db, Row, held, state="unknown", delay_s=QUIET_S, absences=row.absences + 1)
        elif leases.settle(db, Row, held, state="queued", absences=0, next_at=None):
            progress.move_ours(db, held.id, "queued")
