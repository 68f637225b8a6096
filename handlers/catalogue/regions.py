"""The regions people choose from, as the province lists them. A few hundred rows, replaced whole by each sync."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.core.db import PROVINCE, transaction
from handlers.catalogue.models import Region
from handlers.catalogue.rows import REGION, BadItem

MEMBERS = ("code", "parent", "name", "level")


def listed(parent: str | None) -> Sequence[Region]:
    """Every region, or those directly under `parent`, by code."""
    query = select(Region).order_by(Region.code)
    if parent is not None:
        query = query.where(Region.parent == parent)
    with transaction() as db:
        return db.scalars(query).all()


def replace(db: Session, told: Sequence[Mapping[str, Any]]) -> None:
    """Raises BadItem when the list cannot be what people choose from; then the old list stays."""
    rows = [_row(region) for region in told]
    if not rows:
        raise BadItem("regions")
    db.execute(delete(Region))
    db.execute(insert(Region), rows)


def _row(region: Mapping[str, Any]) -> dict[str, str]:
    row = {name: region.get(name) or "" for name in MEMBERS}
    if not all(isinstance(value, str) for value in row.values()) or not row["name"]:
        raise BadItem("region")
    if REGION.fullmatch(row["code"]) is None or (row["parent"] and REGION.fullmatch(row["parent"]) is None):
        raise BadItem("region.code")
    return {**row, "tenant_id": PROVINCE}
