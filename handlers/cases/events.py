"""What this room listens to; handlers run inside the delivery's transaction and never call out."""

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import inbound
from app.core.db import tenant_of
from app.core.events import Event, subscribe
from app.platforms.base import CallbackKind
from handlers.cases import pull
from handlers.cases.models import Case, CaseItem


def install() -> None:
    subscribe(f"callback.{CallbackKind.CASE_STATE}", "cases.hint", on_hint)
    subscribe("item.changed", "cases.item", on_item)
    subscribe("account.joined", "cases.account", on_joined)


def on_hint(db: Session, event: Event) -> None:
    """The province says a case moved: ask it ourselves."""
    said = inbound.read(db, event.subject_id)
    pull.want(db, str(said["case_no"]), int(said["seq"]))


def on_item(db: Session, event: Event) -> None:
    """The catalogue changed an item: version, name, min_level (`L3`), status, keyed by its code. Old news
    delivered late changes nothing.
    """
    values = {
        "version": event.data["version"], "name": event.data["name"], "status": event.data["status"],
        "min_level": int(str(event.data["min_level"]).removeprefix("L")), "updated_at": event.created_at,
    }  # fmt: skip
    db.execute(
        insert(CaseItem)
        .values(code=event.subject_id, tenant_id=tenant_of(db), **values)
        .on_conflict_do_update(
            index_elements=[CaseItem.code], set_=values, where=CaseItem.updated_at < event.created_at
        )
    )


def on_joined(db: Session, event: Event) -> None:
    """An account proved to be a citizen somebody already was: what it filed as that person is that citizen's."""
    db.execute(
        update(Case)
        .where(Case.account_id == event.subject_id, Case.citizen_id == event.data["from_citizen_id"])
        .values(citizen_id=event.data["citizen_id"])
    )
