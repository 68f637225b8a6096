"""The level below which an item may not be offered, as the catalogue tells it by event. The road takes the higher one.

An item the catalogue has not told of counts as the highest level: what nobody vouched for is not opened.
"""

from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import events
from app.core.db import PROVINCE
from app.core.events import Event
from handlers.gateway import announcements
from handlers.gateway.models import ItemFloor

LEVELS: Final = {"L0": 0, "L1": 1, "L2": 2, "L3": 3}
UNKNOWN_ITEM: Final = 3


def levels(db: Session) -> dict[str, int]:
    return {row[0]: LEVELS[row[1]] for row in db.execute(select(ItemFloor.code, ItemFloor.min_level))}


def hear(db: Session, event: Event) -> None:
    """On `item.changed`. Events may come late and out of order: only a younger one is heard."""
    values = {
        "code": event.subject_id, "tenant_id": PROVINCE, "min_level": event.data["min_level"],
        "status": event.data["status"], "event_id": event.id,
    }  # fmt: skip
    statement = insert(ItemFloor).values(values)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=[ItemFloor.code],
            set_={name: statement.excluded[name] for name in ("min_level", "status", "event_id")},
            where=ItemFloor.event_id < statement.excluded.event_id,
        )
    )
    announcements.changed(db)


def install() -> None:
    events.subscribe("item.changed", "gateway.floors", hear)
