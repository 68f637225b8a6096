"""Tables of the catalogue. Nothing personal is in them; they are the province's own public lists."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted
from app.core.leases import Leased

ACTIVE: Final = "ACTIVE"
SUSPENDED: Final = "SUSPENDED"


class Item(Tenanted, Base):
    """One implementation item. `body` is the item as the province lists it, `search` its names and aliases, lower case.

    `guide` is fetched when first read and belongs to `guide_version` of the item. `synced_in` names the catalogue
    version that last held the item.
    """

    __tablename__ = "items"
    __table_args__ = (Index("items_listed", "region", "code", postgresql_where="status = 'ACTIVE'"),)
    code: Mapped[str] = mapped_column(primary_key=True)
    basic_code: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    search: Mapped[str]
    type: Mapped[str]
    min_level: Mapped[str]
    region: Mapped[str]
    version: Mapped[str]
    status: Mapped[str]
    body: Mapped[dict[str, Any]]
    guide: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    guide_version: Mapped[str | None] = mapped_column(default=None)
    synced_in: Mapped[str]
    updated_at: Mapped[datetime]


class Region(Tenanted, Base):
    """`code` has 12 digits, `parent` is "" for the province; `level`: province, city, county, town, village."""

    __tablename__ = "regions"
    code: Mapped[str] = mapped_column(primary_key=True)
    parent: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    level: Mapped[str]


class CatalogueSync(Tenanted, Leased, Base):
    """One row: which version is here. idle -> running -> idle; the lease keeps two workers from mixing two versions."""

    __tablename__ = "catalogue_sync"
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(default="")
    synced_at: Mapped[datetime | None] = mapped_column(default=None)
