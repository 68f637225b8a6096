"""Filing a case and looking at one's own. Called by the citizen's blueprint; submission is a job's work (submit.py).

Who sees what (design.md part 3): an account below L3 sees the cases it filed itself; at L3 it sees those of its
citizen. Another's case and no case at all are the same answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, selectinload

from app.core import audit, clock, crypto, limits, strictjson, tasks
from app.core.db import tenant_of, transaction
from app.core.edge import paging
from app.core.errors import FieldError, Problem
from app.core.ids import is_id, new_id
from app.core.principal import Principal
from handlers.cases.models import Case, CaseItem, CaseSubmission
from handlers.cases.progress import add_step
from identity import assurance

ACTIVE = "active"
REAL_NAME = 2  # a case is somebody's: below this the authority has no handle for the applicant
REAL_PERSON = 3


@dataclass(frozen=True)
class Filing:
    """What a citizen files. `accept_region` is the 12-digit code of where it is handed in."""

    item_code: str
    accept_region: str
    form: Mapping[str, Any] = field(repr=False)


def open_case(principal: Principal, filing: Filing) -> Case:
    """File it: the row and its submission are one commit, the province hears of it from a job.

    Raises Problem: invalid_fields (no such item), item_not_open, assurance_too_low,
    too_many_requests.
    """
    with transaction() as db:
        item = db.scalar(select(CaseItem).where(CaseItem.code == filing.item_code))
    if item is None:
        raise Problem("invalid_fields", errors=[FieldError("item_code", "choice")])
    if item.status.lower() != ACTIVE:
        raise Problem("item_not_open")
    assurance.require(principal, max(REAL_NAME, item.min_level))
    limits.take("case_create", principal.account_id)
    with transaction() as db:
        case = _written(db, principal, filing, item)
        audit.record(
            db, actor=principal.actor, act="case.file", object_id=case.id, outcome="queued",
            detail={"item_code": item.code},
        )  # fmt: skip
        tasks.wake(db, "submit_cases")
    return case


def _written(db: Session, principal: Principal, filing: Filing, item: CaseItem) -> Case:
    case_id, at, tenant = new_id("cs"), clock.now(), tenant_of(db)
    case = Case(
        id=case_id, tenant_id=tenant, citizen_id=principal.citizen_id, account_id=principal.account_id,
        channel=principal.channel, app_id=principal.app_id, item_code=item.code, item_version=item.version,
        item_name=item.name, accept_region=filing.accept_region, form_sealed=_sealed(case_id, filing.form),
        state="queued", case_no=None, seq=-1, result="", filed_at=at, updated_at=at,
    )  # fmt: skip
    db.add(case)
    db.flush()
    add_step(db, case, "", at)
    db.add(CaseSubmission(id=case_id, tenant_id=tenant, state="queued", queued_at=at))
    return case


def _sealed(case_id: str, form: Mapping[str, Any]) -> str:
    return crypto.seal(strictjson.dumps(dict(form)), table="cases", column="form_sealed", row_id=case_id)


def form_of(case: Case) -> dict[str, Any]:
    """The form as filed. Raises crypto.Unsealable."""
    text = crypto.unseal(case.form_sealed, table="cases", column="form_sealed", row_id=case.id)
    form: dict[str, Any] = strictjson.loads(text.encode(), integers="platform")
    return form


def own(principal: Principal) -> ColumnElement[bool]:
    """The condition on cases this caller may see."""
    filed = Case.account_id == principal.account_id
    if principal.level >= REAL_PERSON:
        return or_(Case.citizen_id == principal.citizen_id, filed)
    return filed


def list_cases(principal: Principal, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """One page of the caller's own cases, newest first."""
    with transaction() as db:
        return paging.paged(db, select(Case).where(own(principal)), Case.id, limit=limit, cursor=cursor)


def get_case(principal: Principal, case_id: str) -> Case:
    """The case with its track loaded. Raises Problem("not_found") for another's case as for none."""
    if not is_id("cs", case_id):
        raise Problem("not_found")
    with transaction() as db:
        case = db.scalar(select(Case).where(Case.id == case_id, own(principal)).options(selectinload(Case.track)))
    if case is None:
        raise Problem("not_found")
    return case
