"""Messages: one thing to say to one citizen, once per origin, always into the inbox, and queued for a push where the
citizen can be reached. Called by rules and by the executor of an approved send; nothing here calls out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, crypto, strictjson, tasks
from app.core.db import tenant_of
from app.core.events import Event
from app.core.ids import new_id
from config.messages import KINDS
from identity import accounts, pii
from identity.accounts import Reachable
from notifications import compose, grants, inbox, templates
from notifications.models import Attempt, Entry, Message, Template

PENDING: Final = frozenset({"queued", "leased", "sending", "deferred"})
# The first state found among the attempts, in this order, is the message's.
DERIVED: Final = (
    ("reached", frozenset({"delivered", "accepted_by_channel"})),
    ("pending", PENDING),
    ("unknown", frozenset({"unknown"})),
    ("failed", frozenset({"failed_by_channel"})),
    ("expired", frozenset({"expired"})),
    ("cancelled", frozenset({"cancelled"})),
)
SHOWN: Final = ("id", "citizen_id", "kind", "sender", "origin", "created_at", "expires_at", "attempts")


@dataclass(frozen=True)
class Saying:
    """What to say. `origin` is unique per cause (`event:ev_..`, `approval:ap_..`). `account_id`: whose matter it is
    below L3, and preferred for the push. `scarce`: push only where grants are plenty. `message_id` where it was
    promised before.
    """

    citizen_id: str
    account_id: str | None
    kind: str
    values: Mapping[str, str] = field(repr=False)
    origin: str
    sender: str = "rules"
    scarce: bool = False
    message_id: str | None = None


@dataclass(frozen=True)
class Road:
    """An account to push to, and as which template."""

    account: Reachable
    template: Template
    left: grants.Balance


def say(db: Session, saying: Saying) -> str | None:
    """Write the message, its inbox entry and its attempt; None when this origin has already said it.

    Raises compose.BadValue.
    """
    values = compose.checked(saying.kind, saying.values)
    # An event may have been waiting while the account joined another record of the same person.
    saying = replace(saying, citizen_id=pii.citizen_of(db, saying.citizen_id).id)
    reachable = accounts.reachable(db, saying.citizen_id)
    scope = saying.account_id or (reachable[0].account_id if len(reachable) == 1 else None)
    message_id = _written(db, saying, scope, values)
    if message_id is None:
        return None
    inbox.enter(db, message_id, saying.citizen_id, scope, saying.kind, values)
    road = _road(db, saying, reachable)
    if road is not None and not (saying.scarce and not road.left.plenty):
        _queue(db, message_id, road)
    return message_id


def _written(db: Session, saying: Saying, scope: str | None, values: Mapping[str, str]) -> str | None:
    message_id, now = saying.message_id or new_id("mg"), clock.now()
    written = db.execute(
        insert(Message)
        .values(
            id=message_id, tenant_id=tenant_of(db), citizen_id=saying.citizen_id, account_id=scope, kind=saying.kind,
            origin=saying.origin, sender=saying.sender, policy="at_most_once", created_at=now,
            values_sealed=crypto.seal(
                strictjson.dumps(dict(values)), table="messages", column="values_sealed", row_id=message_id
            ),
            expires_at=now + timedelta(seconds=KINDS[saying.kind].keep_s),
        )
        .on_conflict_do_nothing(index_elements=["origin", "citizen_id", "kind"])
        .returning(Message.id)
    )  # fmt: skip
    return written.scalar()


def values_of(message: Message) -> dict[str, str]:
    """Raises crypto.Unsealable."""
    text = crypto.unseal(message.values_sealed, table="messages", column="values_sealed", row_id=message.id)
    values: dict[str, str] = strictjson.loads(text.encode())
    return values


def _road(db: Session, saying: Saying, reachable: Sequence[Reachable]) -> Road | None:
    """One account, so that nobody is told twice: the one the matter was filed from, else the one with most grants,
    else the one used last.
    """
    roads = [
        Road(account, template, grants.balance(db, account.account_id, template.id))
        for account in reachable
        if (template := templates.find(db, saying.kind, account.channel, account.app_id)) is not None
    ]
    roads.sort(
        key=lambda road: (
            not road.left.enough, road.account.account_id != saying.account_id, not road.left.standing,
            -road.left.credits,
        )
    )  # fmt: skip
    return roads[0] if roads else None


def _queue(db: Session, message_id: str, road: Road) -> None:
    db.add(
        Attempt(
            id=new_id("at"), tenant_id=tenant_of(db), message_id=message_id, account_id=road.account.account_id,
            template_id=road.template.id, channel=road.account.channel, app_id=road.account.app_id, state="queued",
            created_at=clock.now(),
        )
    )  # fmt: skip
    db.flush()
    tasks.wake(db, "deliver_messages")


def state_of(attempts: Sequence[Attempt]) -> str:
    """The message's state: reached, pending, unknown, failed, expired, cancelled, else inbox_only."""
    states = {attempt.state for attempt in attempts}
    return next((name for name, among in DERIVED if states & among), "inbox_only")


def shown(message: Message) -> dict[str, Any]:
    """A loaded message with its derived state, for schemas."""
    return {**{name: getattr(message, name) for name in SHOWN}, "state": state_of(message.attempts)}


def on_joined(db: Session, event: Event) -> None:
    """An account proved to be a citizen somebody already was: what was said to it is said to that citizen."""
    for table in (Message, Entry):
        db.execute(
            update(table)
            .where(table.account_id == event.subject_id, table.citizen_id == event.data["from_citizen_id"])
            .values(citizen_id=event.data["citizen_id"])
        )
