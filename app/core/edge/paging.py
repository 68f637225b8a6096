"""Lists page by opaque cursor: newest first by time-ordered id; the cursor is the last id seen and no promise."""

import base64
import binascii
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.core.edge.bodies import Digits, Query, Strict
from app.core.errors import FieldError, Problem

MOST = 100
DEFAULT = 20


class PageQuery(Query):
    """`?limit=&cursor=` of every list."""

    limit = Digits(load_default=DEFAULT, validate=validate.Range(1, MOST))
    cursor = fields.String(load_default=None, allow_none=False, validate=validate.Length(1, 200))


def page_of(schema: type[Strict]) -> type[Strict]:
    """The schema of one page: `items` and `next_cursor` (null at the end)."""
    return type(
        schema.__name__.removesuffix("Schema") + "Page",
        (Strict,),
        {
            "items": fields.List(fields.Nested(schema), required=True),
            "next_cursor": fields.String(required=True, allow_none=True),
        },
    )


def encode(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        text = raw.decode("ascii")
    except (binascii.Error, UnicodeError, ValueError):
        text = ""
    if not text.isprintable() or not text:  # a NUL would be the database's to refuse, and that is a 500
        raise Problem("invalid_fields", errors=[FieldError("cursor", "format")])
    return text


def paged(db: Session, query: Select[Any], column: Any, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """`{"items": [...], "next_cursor": ...}` of an entity select, ordered by `column` downwards."""
    if cursor is not None:
        query = query.where(column < decode(cursor))
    rows = list(db.scalars(query.order_by(column.desc()).limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    return {"items": rows, "next_cursor": encode(getattr(rows[-1], column.key)) if more else None}
