"""Asking the province where a case stands: on its hint, right after filing, and now and then in case a hint was lost.

A hint that comes while we are asking sets the row back to wanted, so our own settle finds it gone and the case is asked
about once more; what was learned is applied by seq either way.
"""

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from app.core import leases, tasks
from app.core.db import tenant_of, transaction
from app.core.errors import OutboundError, PlatformError
from app.core.log import get_log
from app.platforms import registry
from handlers.cases import progress, states
from handlers.cases.models import Case, CasePull

log = get_log("cases")

LEASE_S = 60
EVERY_S = 6 * 3600


def want(db: Session, case_no: str, seq: int) -> None:
    """Note a hint. A number we do not know is either somebody else's or of a submission in flight, which is pulled
    when it settles.
    """
    case = db.scalar(by_number(db, case_no))
    if case is None:
        log.info("case_hint_unmatched", kind="case_state")
    elif seq > case.seq:
        db.execute(
            update(CasePull).where(CasePull.id == case.id).values(state="wanted", next_at=None, lease_until=None)
        )
        tasks.wake(db, "pull_cases")


def by_number(db: Session, case_no: str) -> Select[Case]:
    """Names the tenant although row-level security does: its OR is served by no index, and hints come in numbers."""
    return select(Case).where(Case.tenant_id == tenant_of(db), Case.case_no == case_no)


def pull_next() -> bool:
    """Ask about one case; False when none is due."""
    with transaction() as db:
        held = leases.claim(db, CasePull, from_states=("wanted",), to_state="pulling", limit=1, lease_s=LEASE_S)
    for claim in held:
        _pull(claim)
    return bool(held)


def _pull(held: leases.Claim) -> None:
    try:
        _ask(held)
    except (OutboundError, PlatformError) as error:
        log.warning("case_not_pulled", object_id=held.id, error=type(error).__name__)
        _later(held)
    except Exception as error:  # an answer that cannot be written must not stop the other cases
        log.error("case_not_applied", object_id=held.id, n=held.n, exc_info=error)  # noqa: TRY400  class and place only
        _later(held)


def _ask(held: leases.Claim) -> None:
    with transaction() as db:
        case_no = db.get_one(Case, held.id).case_no or ""
    shown = registry.province().get_case(case_no)
    with transaction() as db:
        progress.apply(db, held.id, shown)
        state = "closed" if db.get_one(Case, held.id).state in states.FINAL else "wanted"
        leases.release(db, CasePull, held, state=state, delay_s=EVERY_S, failures=0)


def _later(held: leases.Claim) -> None:
    with transaction() as db:
        failures = db.get_one(CasePull, held.id).failures + 1
        leases.release(
            db, CasePull, held, state="wanted", delay_s=leases.backoff_s(failures, first_s=5), failures=failures
        )
