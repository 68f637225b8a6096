"""Templates: which kind goes out as which template of which app. Loaded from a file by staff, read by everything here.

File: a JSON array of {"kind", "channel", "app_id", "template_id", "title", "term", "lang", "fields"}, where app_id "*"
stands for every configured app of the channel. Loading replaces rows by (kind, channel, app_id) and never deletes, so
grants and attempts keep what they point to.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import audit, clock, strictjson
from app.core.db import tenant_of, transaction
from app.core.ids import new_id
from config.messages import KINDS
from config.platforms import CHANNELS
from config.settings import get_settings
from notifications.compose import names_in
from notifications.models import Template

MEMBERS: Final = frozenset({"kind", "channel", "app_id", "template_id", "title", "term", "lang", "fields"})
EVERY_APP: Final = "*"
ONE_TIME: Final = "one_time"
LONG_TERM: Final = "long_term"


class BadTemplate(ValueError):
    """The file cannot be loaded; the text names the row (counted from 1) and the member."""


def load(raw: bytes, *, actor: str) -> int:
    """Load a template file whole or not at all; answers the number of rows. Raises BadTemplate."""
    rows = _read(raw)
    with transaction() as db:
        for row in rows:
            for app_id in _apps(row):
                _store(db, row, app_id)
        audit.record(
            db, actor=actor, act="templates.load", object_id="templates", outcome="done", detail={"rows": len(rows)}
        )
    return len(rows)


def _read(raw: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        rows = strictjson.loads(raw, max_bytes=1024 * 1024)
    except strictjson.InvalidJson as error:
        raise BadTemplate(f"not JSON: {error.reason}") from None
    if not isinstance(rows, list):
        raise BadTemplate("the file must hold an array of templates")
    for number, row in enumerate(rows, 1):
        fault = _fault(row)
        if fault:
            raise BadTemplate(f"row {number}: {fault}")
    return rows


def _fault(row: Any) -> str | None:
    """What is wrong with a row, or None."""
    if not isinstance(row, dict) or set(row) != MEMBERS:
        return f"members must be exactly {', '.join(sorted(MEMBERS))}"
    if any(not isinstance(row[name], str) or not row[name] for name in MEMBERS - {"fields"}):
        return "every member but fields is a text"
    if row["kind"] not in KINDS or row["channel"] not in CHANNELS or row["term"] not in (ONE_TIME, LONG_TERM):
        return "kind, channel or term is not known"
    return _field_fault(row["fields"], KINDS[row["kind"]].values)


def _field_fault(fields: Any, known: Mapping[str, int]) -> str | None:
    if not isinstance(fields, dict) or not fields or any(not isinstance(text, str) for text in fields.values()):
        return "fields must map the template's keys to texts"
    strange = sorted(name for text in fields.values() for name in names_in(text) if name not in known)
    return f"fields name values this kind does not have: {', '.join(strange)}" if strange else None


def _apps(row: Mapping[str, Any]) -> Sequence[str]:
    return get_settings().app_ids(row["channel"]) if row["app_id"] == EVERY_APP else (row["app_id"],)


def _store(db: Session, row: Mapping[str, Any], app_id: str) -> None:
    values = {
        "platform_template_id": row["template_id"], "title": row["title"], "term": row["term"], "lang": row["lang"],
        "fields": row["fields"], "banned_at": None, "updated_at": clock.now(),
    }  # fmt: skip
    key = {"kind": row["kind"], "channel": row["channel"], "app_id": app_id}
    db.execute(
        insert(Template)
        .values(id=new_id("tp"), tenant_id=tenant_of(db), **key, **values)
        .on_conflict_do_update(index_elements=list(key), set_=values)
    )


def of_app(db: Session, channel: str, app_id: str) -> Sequence[Template]:
    return db.scalars(
        select(Template).where(Template.channel == channel, Template.app_id == app_id).order_by(Template.kind)
    ).all()


def find(db: Session, kind: str, channel: str, app_id: str) -> Template | None:
    """The template a kind goes out as in this app, None where it has none (or the platform banned it)."""
    return db.scalar(
        select(Template).where(
            Template.kind == kind, Template.channel == channel, Template.app_id == app_id, Template.banned_at.is_(None)
        )
    )


def by_platform_id(db: Session, channel: str, app_id: str, template_id: str) -> Template | None:
    return db.scalar(
        select(Template).where(
            Template.channel == channel, Template.app_id == app_id, Template.platform_template_id == template_id
        )
    )
