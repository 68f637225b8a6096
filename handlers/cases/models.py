"""Tables of the cases room: what was filed, where it stands, how it got there.

The form is sealed. Every state a worker changes lives in a leased table of its own, so a case row is never held while
somebody waits for the province.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import leases
from app.core.db import Base, Tenanted


class CaseItem(Tenanted, Base):
    """What this room knows of an item: a read model fed by the catalogue's event, public words only."""

    __tablename__ = "case_items"
    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    name: Mapped[str]
    min_level: Mapped[int]
    status: Mapped[str]
    updated_at: Mapped[datetime]


class Case(Tenanted, Base):
    """cs_. One application. `account_id` filed it for `citizen_id`; `seq` is the province's last applied event."""

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("tenant_id", "case_no"),
        Index("cases_by_citizen", "citizen_id", "id"),
        Index("cases_by_account", "account_id", "id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    citizen_id: Mapped[str]
    account_id: Mapped[str]
    channel: Mapped[str]
    app_id: Mapped[str]
    item_code: Mapped[str]
    item_version: Mapped[str]
    item_name: Mapped[str]
    accept_region: Mapped[str]
    form_sealed: Mapped[str]
    state: Mapped[str]
    case_no: Mapped[str | None]
    seq: Mapped[int] = mapped_column(default=-1)
    result: Mapped[str] = mapped_column(default="")
    filed_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    track: Mapped[list["CaseStep"]] = relationship(order_by=lambda: CaseStep.number, viewonly=True, lazy="raise")


class CaseStep(Tenanted, Base):
    """One step of a case as the citizen sees it: insert-only, numbered per case."""

    __tablename__ = "case_track"
    __table_args__ = (UniqueConstraint("case_id", "number"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    number: Mapped[int]
    from_state: Mapped[str]
    to_state: Mapped[str]
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(default="")


class CaseSubmission(Tenanted, leases.Leased, Base):
    """Handing one case to the province: queued -> submitting -> submitted | refused | unknown -> asking -> ...

    `id` is the case's id, which is also the idempotency key at the province. `absences` counts the province's answers
    that it has no case under that key.
    """

    __tablename__ = "case_submissions"
    id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    absences: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(default="")
    queued_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class CasePull(Tenanted, leases.Leased, Base):
    """Asking where a case stands: wanted (at next_at) -> pulling -> wanted later | closed. `id` is the case's id."""

    __tablename__ = "case_pulls"
    __table_args__ = (Index("case_pulls_due", "next_at", postgresql_where="state in ('wanted', 'pulling')"),)
    id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
