"""Receipts: what the channel says later about a send, joined to its attempt by the channel's own message id.

A receipt may overtake our own commit of the id, so it is kept and applied when the attempt settles. It may also be the
only news of an attempt that ended `unknown`: if exactly one of this account and template is unknown and none is in
flight, the receipt is its. Nothing here commits.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, inbound, leases
from app.core.db import tenant_of
from app.core.events import Event
from app.core.ids import new_id
from app.core.log import get_log
from identity import accounts
from notifications import grants, templates
from notifications.models import Attempt, Receipt, Template

log = get_log("notifications")


def on_event(db: Session, event: Event) -> None:
    """A callback about sends of one account."""
    said = inbound.read(db, event.subject_id)
    channel, app_id = str(event.data["platform"]), str(event.data["app_id"])
    account = accounts.by_openid(db, channel, app_id, said["openid"])
    if account is None:
        log.warning("receipt_unmatched", channel=channel, reason="account")
        return
    for item in said["items"]:
        template = templates.by_platform_id(db, channel, app_id, item["template_id"])
        if template is not None:
            _received(db, account.id, template, item)


def _received(db: Session, account_id: str, template: Template, item: Mapping[str, Any]) -> None:
    receipt_id = db.scalar(
        insert(Receipt)
        .values(
            id=new_id("rc"), tenant_id=tenant_of(db), channel=template.channel, app_id=template.app_id,
            account_id=account_id, template_id=template.id, channel_message_id=item["message_id"], ok=item["ok"],
            code=item["code"], status=item["status"], received_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(Receipt.id)
    )  # fmt: skip
    if receipt_id is None:
        return  # heard before
    receipt = db.get_one(Receipt, receipt_id)
    _one_at_a_time(db, receipt.channel, receipt.app_id, receipt.channel_message_id)
    attempt = _named(db, receipt) or _only_unknown(db, receipt)
    if attempt is not None:
        _apply(db, receipt, attempt)


def _one_at_a_time(db: Session, channel: str, app_id: str, message_id: str) -> None:
    # The receipt and our commit of the id may cross: each would look before the other's row is to be seen, and the
    # receipt would stay unapplied for ever. Whoever comes second waits here for the other's commit, and then looks.
    db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{channel}|{app_id}|{message_id}", 0))))


def _named(db: Session, receipt: Receipt) -> Attempt | None:
    return db.scalar(
        select(Attempt).where(
            Attempt.channel == receipt.channel, Attempt.app_id == receipt.app_id,
            Attempt.channel_message_id == receipt.channel_message_id, Attempt.account_id == receipt.account_id,
        )
    )  # fmt: skip


def _only_unknown(db: Session, receipt: Receipt) -> Attempt | None:
    open_ones = db.scalars(
        select(Attempt).where(
            Attempt.account_id == receipt.account_id, Attempt.template_id == receipt.template_id,
            Attempt.state.in_(("unknown", "sending")),
        )
    ).all()  # fmt: skip
    return open_ones[0] if len(open_ones) == 1 and open_ones[0].state == "unknown" else None


def apply_early(db: Session, attempt_id: str) -> None:
    """An attempt has just learnt its channel id: a receipt may have come first."""
    attempt = db.get_one(Attempt, attempt_id, populate_existing=True)
    if attempt.channel_message_id is None:
        return
    _one_at_a_time(db, attempt.channel, attempt.app_id, attempt.channel_message_id)
    early = db.scalars(
        select(Receipt).where(
            Receipt.channel == attempt.channel, Receipt.app_id == attempt.app_id, Receipt.attempt_id.is_(None),
            Receipt.channel_message_id == attempt.channel_message_id, Receipt.account_id == attempt.account_id,
        )
    ).all()  # fmt: skip
    for receipt in early:
        _apply(db, receipt, attempt)


def _apply(db: Session, receipt: Receipt, attempt: Attempt) -> None:
    state = "delivered" if receipt.ok else "failed_by_channel"
    moved = leases.move(
        db, Attempt, attempt.id, from_states=("accepted_by_channel", "unknown"), state=state,
        channel_message_id=receipt.channel_message_id, code=receipt.code if not receipt.ok else "",
        settled_at=clock.now(),
    )  # fmt: skip
    db.execute(update(Receipt).where(Receipt.id == receipt.id).values(attempt_id=attempt.id))
    if moved:
        grants.settle(db, attempt.id, "used")
