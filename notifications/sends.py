"""One message to one citizen at an operator's word: asked for by one person, approved by another (security.md O2, M6).

The approval binds the hash of the whole message; approving writes the message row in the same commit, and the delivery
job does the rest. Nothing here calls out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session, selectinload

from app.core import approvals, clock
from app.core.approvals import Approval
from app.core.db import transaction
from app.core.errors import FieldError, Problem
from app.core.ids import is_id, new_id
from app.core.principal import StaffPrincipal, require_role
from config.messages import KINDS, STAMP
from config.staff import APPROVER, OPERATOR
from identity import pii
from notifications import compose, messages
from notifications.models import Attempt, Message

ACT: Final = "message.send"


@dataclass(frozen=True)
class Requested:
    """What the operator is told: the message's id to be, and what a second person has to approve."""

    message_id: str
    approval: Approval


def install() -> None:
    approvals.register_act(ACT, execute, request_roles=(OPERATOR,), approve_roles=(APPROVER,))


def request(staff: StaffPrincipal, citizen_id: str, kind: str, values: Mapping[str, str]) -> Requested:
    """Ask for a send. Raises Problem forbidden, invalid_fields."""
    require_role(staff, OPERATOR)
    whole = _whole(kind, values)
    message_id = new_id("mg")
    payload = {"message_id": message_id, "citizen_id": citizen_id, "kind": kind, "values": whole}
    with transaction(staff.tenant_id) as db:
        _require_citizen(db, citizen_id)
        return Requested(message_id, approvals.request(db, ACT, payload, staff))


def _whole(kind: str, values: Mapping[str, str]) -> dict[str, str]:
    """The values with our stamp, checked. A value named like the stamp is the operator's and refused."""
    if STAMP in values:
        raise Problem("invalid_fields", errors=[FieldError(f"values.{STAMP}", "unknown")])
    stamp = {STAMP: clock.to_beijing(clock.now())} if STAMP in KINDS[kind].values else {}
    try:
        return compose.checked(kind, {**values, **stamp})
    except compose.BadValue as bad:
        raise Problem("invalid_fields", errors=[FieldError(f"values.{bad.name}", bad.code)]) from None


def _require_citizen(db: Session, citizen_id: str) -> None:
    try:
        pii.citizen_of(db, citizen_id)
    except NoResultFound:
        raise Problem("invalid_fields", errors=[FieldError("citizen_id", "choice")]) from None


def execute(db: Session, approval: Approval) -> None:
    """Write what was approved, exactly; called by approvals inside the approver's transaction."""
    asked: Mapping[str, Any] = approval.payload
    messages.say(
        db,
        messages.Saying(
            citizen_id=asked["citizen_id"], account_id=None, kind=asked["kind"], values=asked["values"],
            origin=f"approval:{approval.id}", sender=approval.requested_by, message_id=asked["message_id"],
        ),
    )  # fmt: skip


def get(staff: StaffPrincipal, message_id: str) -> Message:
    """A message with its attempts and receipts. Raises Problem("not_found"), also for another tenant's."""
    if not is_id("mg", message_id):
        raise Problem("not_found")
    with transaction(staff.tenant_id) as db:
        message = db.scalar(
            select(Message)
            .where(Message.id == message_id)
            .options(selectinload(Message.attempts).selectinload(Attempt.receipts))
        )
    if message is None:
        raise Problem("not_found")
    return message
