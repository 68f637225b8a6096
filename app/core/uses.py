"""Who used whose data, for what, and to whom it went: a row in the transaction of the use (design: `uses`).

Written by whoever opens a sealed value or hands personal fields to an outside system; read by the citizen ("who read my
data") and by auditors. Names fields, never values. Insert-only for the application.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.db import Base, Tenanted, tenant_of
from app.core.errors import FieldError, Problem
from app.core.ids import is_id, new_id

MOST: Final = 100


class DataUse(Tenanted, Base):
    """One use. `recipient` is an outside system's or service's name, "" when nothing left."""

    __tablename__ = "data_uses"
    __table_args__ = (Index("data_uses_citizen", "citizen_id", "id"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    citizen_id: Mapped[str]
    actor: Mapped[str]
    purpose: Mapped[str]
    fields: Mapped[list[Any]]
    recipient: Mapped[str]
    ref: Mapped[str]
    at: Mapped[datetime]


@dataclass(frozen=True)
class Page:
    """Newest first; `cursor` None at the end."""

    rows: tuple[DataUse, ...]
    cursor: str | None


def note(
    db: Session, *, citizen_id: str, actor: str, purpose: str, fields: tuple[str, ...], recipient: str, ref: str
) -> str:
    """Record one use in the open transaction and return its id. `ref`: the case, call or message it served."""
    use = DataUse(
        id=new_id("du"), tenant_id=tenant_of(db), citizen_id=citizen_id, actor=actor, purpose=purpose,
        fields=sorted(set(fields)), recipient=recipient, ref=ref, at=clock.now(),
    )  # fmt: skip
    db.add(use)
    db.flush()
    return use.id


def list_for(db: Session, citizen_id: str, cursor: str | None = None, limit: int = 20) -> Page:
    """The uses of one citizen's data, newest first. `cursor`: what the last page gave; another text is refused."""
    if cursor is not None and not is_id("du", cursor):
        raise Problem("invalid_fields", errors=[FieldError("cursor", "format")])
    limit = max(1, min(limit, MOST))
    wanted = select(DataUse).where(DataUse.citizen_id == citizen_id).order_by(DataUse.id.desc()).limit(limit + 1)
    if cursor is not None:
        wanted = wanted.where(DataUse.id < cursor)
    rows = tuple(db.scalars(wanted))
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)
