"""The outbox: an event is a row in the transaction of what happened; each subscriber gets its own delivery row.

`emit` writes the event and one delivery a subscriber (unique together); a worker leases deliveries and runs the
subscriber's handler inside the delivery's own transaction, so its effect and its being done are one commit. Events
carry ids and plain words, never personal data. Handlers never call the network: they write rows that a job acts on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, leases, tasks
from app.core.db import ALL_TENANTS, Base, Tenanted, tenant_of, transaction
from app.core.ids import new_id
from app.core.log import get_log

log = get_log("events")

Value = str | int | bool | None
PARK_AFTER = 12  # tries with doubling pauses: a little over an hour, then a person has to look
BATCH = 50


class OutboxEvent(Tenanted, Base):
    """What happened: a dotted type, the id of what it happened to, ids and words beside it."""

    __tablename__ = "outbox_events"
    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    subject_id: Mapped[str]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class OutboxDelivery(Tenanted, leases.Leased, Base):
    """waiting -> running -> done | parked."""

    __tablename__ = "outbox_deliveries"
    __table_args__ = (
        UniqueConstraint("event_id", "subscriber"),
        Index("outbox_deliveries_due", "next_at", postgresql_where="state in ('waiting', 'running')"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("outbox_events.id"))
    subscriber: Mapped[str]


@dataclass(frozen=True)
class Event:
    """What a handler gets."""

    id: str
    type: str
    tenant_id: str
    subject_id: str
    data: Mapping[str, Any]
    created_at: datetime


Handler = Callable[[Session, Event], None]
_handlers: dict[str, dict[str, Handler]] = {}


def subscribe(event_type: str, name: str, handler: Handler) -> None:
    """Register once, at install. `name` is stored with each delivery: renaming it orphans waiting ones."""
    subscribers = _handlers.setdefault(event_type, {})
    if subscribers.get(name, handler) is not handler:
        raise ValueError(f"{event_type} already has a subscriber {name}")
    subscribers[name] = handler


def emit(db: Session, event_type: str, subject_id: str, data: Mapping[str, Value] | None = None) -> str:
    """Write the event and its deliveries into the open transaction; wakes the workers after its commit."""
    event_id, tenant = new_id("ev"), tenant_of(db)
    db.execute(
        insert(OutboxEvent).values(
            id=event_id, tenant_id=tenant, type=event_type, subject_id=subject_id, data=dict(data or {}),
            created_at=clock.now(),
        )
    )  # fmt: skip
    rows = [
        {"id": new_id("ed"), "tenant_id": tenant, "event_id": event_id, "subscriber": name, "state": "waiting", "n": 0}
        for name in _handlers.get(event_type, {})
    ]
    if rows:
        db.execute(insert(OutboxDelivery), rows)
        tasks.wake(db, "deliver_events")
    return event_id


def deliver_due() -> int:
    """Lease what is due and run it; returns how many deliveries were tried."""
    with transaction(ALL_TENANTS) as db:
        held = leases.claim(db, OutboxDelivery, from_states=("waiting",), to_state="running", limit=BATCH, lease_s=60)
    for claim in held:
        _deliver(claim)
    return len(held)


def _deliver(held: leases.Claim) -> None:
    try:
        with transaction(held.tenant_id) as db:
            if not leases.settle(db, OutboxDelivery, held, state="done"):
                return
            handler, event = _resolve(db, held.id)
            handler(db, event)
    except Exception as error:  # noqa: BLE001  one broken subscriber must not stop the others; it is retried, then parked
        _give_back(held, error)


def _resolve(db: Session, delivery_id: str) -> tuple[Handler, Event]:
    row = db.execute(
        select(OutboxEvent, OutboxDelivery.subscriber).join(OutboxDelivery).where(OutboxDelivery.id == delivery_id)
    ).one()
    stored: OutboxEvent = row[0]
    event = Event(stored.id, stored.type, stored.tenant_id, stored.subject_id, stored.data, stored.created_at)
    return _handlers[stored.type][row[1]], event


def _give_back(held: leases.Claim, error: Exception) -> None:
    parked = held.n >= PARK_AFTER
    log.error(
        "delivery_failed",
        object_id=held.id,
        n=held.n,
        error=type(error).__name__,
        state="parked" if parked else "waiting",
    )
    with transaction(held.tenant_id) as db:
        if parked:
            leases.settle(db, OutboxDelivery, held, state="parked")
        else:
            leases.release(db, OutboxDelivery, held, state="waiting", delay_s=leases.backoff_s(held.n))


@tasks.job("deliver_events", every_s=2)
def deliver_events() -> None:
    """Woken after commits that emitted, and swept every two seconds; drains until nothing is due."""
    while deliver_due():
        pass
