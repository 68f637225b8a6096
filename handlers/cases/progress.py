"""Applying what the province shows of a case: by seq, along the allowed moves, once.

The province's callback is a hint; only a snapshot we pulled ourselves, or the answer to our own submission, gets here.
Called inside the caller's transaction; never commits and never calls out.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import tenant_of
from app.core.events import emit
from app.core.ids import new_id
from app.core.log import get_log
from app.platforms.base import CaseSnapshot
from handlers.cases import states
from handlers.cases.models import Case, CaseStep

log = get_log("cases")

CHANGED = "case.state_changed"


def apply(db: Session, case_id: str, shown: CaseSnapshot) -> bool:
    """Write a newer snapshot into the case; False when it is old news or an impossible move."""
    case = db.get_one(Case, case_id, with_for_update=True)
    if shown.seq <= case.seq:
        return False
    if not states.can_become(case.state, shown.state):
        log.error("case_move_refused", object_id=case_id, state=shown.state, reason=case.state)
        return False
    before = case.state
    _write_track(db, case, shown)
    case.state, case.seq, case.result = shown.state, shown.seq, shown.result
    case.updated_at = shown.updated_at or clock.now()
    if before != shown.state:
        announce(db, case, before)
    return True


def move_ours(db: Session, case_id: str, state: str) -> None:
    """A move of our own, before the province has the case: queued, unknown, refused."""
    case = db.get_one(Case, case_id, with_for_update=True)
    if state not in states.MOVES[case.state]:
        return
    before, case.state, case.updated_at = case.state, state, clock.now()
    add_step(db, case, before, case.updated_at)
    announce(db, case, before)


def announce(db: Session, case: Case, before: str) -> None:
    """Tell the house; ids and public words only."""
    emit(
        db,
        CHANGED,
        case.id,
        {
            "case_id": case.id, "citizen_id": case.citizen_id, "account_id": case.account_id,
            "case_no": case.case_no, "item_code": case.item_code, "item_name": case.item_name, "from": before,
            "to": case.state,
        },
    )  # fmt: skip


def add_step(db: Session, case: Case, before: str, at: datetime, note: str = "", to_state: str | None = None) -> None:
    number = db.scalar(select(func.count()).select_from(CaseStep).where(CaseStep.case_id == case.id)) or 0
    db.add(
        CaseStep(
            id=new_id("ct"), tenant_id=tenant_of(db), case_id=case.id, number=number, from_state=before,
            to_state=to_state or case.state, at=at, note=note,
        )
    )  # fmt: skip
    db.flush()


def _write_track(db: Session, case: Case, shown: CaseSnapshot) -> None:
    fresh: Sequence[Mapping[str, Any]] = [step for step in shown.track if step["seq"] > case.seq]
    for entry in fresh:
        at = entry.get("at")
        add_step(
            db, case, str(entry.get("from") or case.state), at if isinstance(at, datetime) else clock.now(),
            str(entry.get("note") or ""), str(entry.get("to") or shown.state),
        )  # fmt: skip
    if not fresh and case.state != shown.state:
        add_step(db, case, case.state, shown.updated_at or clock.now(), to_state=shown.state)
