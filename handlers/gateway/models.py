"""Tables of the gateway: what integrators registered, and what passed through.

Services and versions belong to the organisation that registered them (row-level security keeps integrators apart);
exchanges belong to the service's organisation too, so that an integrator can be shown its own traffic.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted

# Of a version: submitted -> published -> retired; submitted -> retired when a younger one was published first.
SUBMITTED: Final = "submitted"
PUBLISHED: Final = "published"
RETIRED: Final = "retired"

# Of an exchange. Only SENDING moves, once.
SENDING: Final = "SENDING"
NOT_SENT: Final = "NOT_SENT"
ANSWERED: Final = "ANSWERED"
UNKNOWN: Final = "UNKNOWN"


class Service(Tenanted, Base):
    """sv_. What a citizen taps. `published_version` None = nothing is live yet; `suspended_at` takes it off at once."""

    __tablename__ = "services"
    id: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    published_version: Mapped[int | None] = mapped_column(default=None)
    suspended_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime]


class ServiceVersion(Tenanted, Base):
    """sr_. One manifest, never altered: what was approved is what runs, by `manifest_hash`."""

    __tablename__ = "service_versions"
    __table_args__ = (
        UniqueConstraint("service_id", "version"),
        Index("one_published_version", "service_id", unique=True, postgresql_where="state = 'published'"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("services.id"))
    version: Mapped[int]
    manifest: Mapped[dict[str, Any]]
    manifest_hash: Mapped[str]
    state: Mapped[str]
    submitted_by: Mapped[str]
    submitted_at: Mapped[datetime]
    approval_id: Mapped[str | None] = mapped_column(default=None)
    published_at: Mapped[datetime | None] = mapped_column(default=None)


class Exchange(Tenanted, Base):
    """ex_. One call by digest, never by content. Writes and calls with identity are here before their bytes leave
    (SENDING); plain reads arrive in batches with their outcome.

    `citizen_ref` is the account; `path_template` the operation's pattern, since a real path may hold a number.
    """

    __tablename__ = "exchanges"
    __table_args__ = (
        Index("exchanges_of_service", "service_id", "started_at"),
        Index("exchanges_sending", "started_at", postgresql_where="outcome = 'SENDING'"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    service_id: Mapped[str]
    version: Mapped[int]
    citizen_ref: Mapped[str]
    method: Mapped[str]
    path_template: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    upstream_status: Mapped[int | None] = mapped_column(default=None)
    request_digest: Mapped[str]
    response_digest: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime]
    elapsed_ms: Mapped[int | None] = mapped_column(default=None)
    idempotency_ref: Mapped[str] = mapped_column(default="")
    request_id: Mapped[str]


class ItemFloor(Tenanted, Base):
    """What the catalogue told us of an item: the level below which no service may offer it."""

    __tablename__ = "item_floors"
    code: Mapped[str] = mapped_column(primary_key=True)
    min_level: Mapped[str]
    status: Mapped[str]
    event_id: Mapped[str]
