"""The inbox: the store of record. Every message stands here in both languages, whatever became of the push.

Who reads what is as with cases: an account below L3 reads what concerns itself, at L3 all of its citizen's.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from app.core import clock, crypto, strictjson
from app.core.db import tenant_of, transaction
from app.core.edge import paging
from app.core.errors import Problem
from app.core.ids import is_id, new_id
from app.core.principal import Principal
from config.messages import KINDS
from notifications import compose
from notifications.models import Entry

REAL_PERSON = 3
LANGUAGES = ("zh", "en")


def enter(
    db: Session, message_id: str, citizen_id: str, account_id: str | None, kind: str, values: Mapping[str, str]
) -> None:
    """Write the entry in the transaction that writes its message."""
    entry_id, about = new_id("ib"), KINDS[kind].about
    texts = {name: vars(compose.reads(getattr(KINDS[kind], name), values)) for name in LANGUAGES}
    db.add(
        Entry(
            id=entry_id, tenant_id=tenant_of(db), message_id=message_id, citizen_id=citizen_id, account_id=account_id,
            kind=kind, about=values[about] if about else None, page=compose.page_of(KINDS[kind], values),
            created_at=clock.now(),
            text_sealed=crypto.seal(
                strictjson.dumps(texts), table="inbox_entries", column="text_sealed", row_id=entry_id
            ),
        )
    )  # fmt: skip
    db.flush()


def own(principal: Principal) -> ColumnElement[bool]:
    """The condition on entries this caller may read."""
    addressed = Entry.account_id == principal.account_id
    if principal.level >= REAL_PERSON:
        return or_(Entry.citizen_id == principal.citizen_id, addressed)
    return addressed


def listing(principal: Principal, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """One page, newest first, with the number of unread ones in all."""
    with transaction() as db:
        page = paging.paged(db, select(Entry).where(own(principal)), Entry.id, limit=limit, cursor=cursor)
        page["unread"] = db.scalar(
            select(func.count()).select_from(Entry).where(own(principal), Entry.read_at.is_(None))
        )
    return page


def read(principal: Principal, entry_id: str) -> Entry:
    """Mark as read; reading again changes nothing. Raises Problem("not_found") for another's as for none."""
    if not is_id("ib", entry_id):
        raise Problem("not_found")
    with transaction() as db:
        db.execute(
            update(Entry)
            .where(Entry.id == entry_id, own(principal), Entry.read_at.is_(None))
            .values(read_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        entry = db.scalar(select(Entry).where(Entry.id == entry_id, own(principal)))
    if entry is None:
        raise Problem("not_found")
    return entry


def text_of(entry: Entry, language: str) -> compose.Text:
    """Title and body in `zh` or `en`. Raises crypto.Unsealable."""
    sealed = crypto.unseal(entry.text_sealed, table="inbox_entries", column="text_sealed", row_id=entry.id)
    return compose.Text(**strictjson.loads(sealed.encode())[language])
