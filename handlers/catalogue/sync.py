"""Bring the catalogue here: one version of the province's list, page by page, whole or not at all.

Called by the job and by `flask catalogue sync`. Pages are upserted as they come (readers always see whole items); only
when the last page of one version has arrived are items that it no longer holds suspended. A page never opens a
transaction across the network. Running it twice changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, events, leases
from app.core.db import PROVINCE, transaction
from app.core.log import get_log
from app.platforms import registry
from handlers.catalogue import regions, rows
from handlers.catalogue.models import SUSPENDED, CatalogueSync, Item

log = get_log("catalogue")

PAGE: Final = 500
LEASE_S: Final = 900
CHANGED: Final = "item.changed"
TOLD: Final = ("version", "name", "min_level", "status")  # what other capabilities may build on


@dataclass(frozen=True)
class Synced:
    """What one run did. `version` "" = another worker is at it; `changed` counts items others were told about."""

    version: str
    items: int = 0
    changed: int = 0
    unreadable: int = 0


class Overtaken(Exception):
    """The lease ran out and somebody else is syncing: drop what is left."""


def sync(*, force: bool = False) -> Synced:
    """One run. Raises OutboundError or PlatformError when the province cannot be asked; what is here stays."""
    held = _claim()
    if held is None:
        return Synced("")
    try:
        return _run(held, force=force)
    except Overtaken:
        return Synced("")
    except BaseException:
        with transaction() as db:
            leases.release(db, CatalogueSync, held, state="idle", delay_s=0)
        raise


def _claim() -> leases.Claim | None:
    with transaction() as db:
        db.execute(
            insert(CatalogueSync)
            .values(id=PROVINCE, tenant_id=PROVINCE, state="idle", n=0, version="")
            .on_conflict_do_nothing()
        )
        found = leases.claim(db, CatalogueSync, from_states=("idle",), to_state="running", limit=1, lease_s=LEASE_S)
    return found[0] if found else None


def _run(held: leases.Claim, *, force: bool) -> Synced:
    version = registry.province().catalogue_version()
    if version == _here() and not force:
        _finish(held, version)
        return Synced(version)
    places = registry.province().list_regions()
    items = changed = unreadable = 0
    for page in _pages(version):
        read, bad = _readable(page)
        items, unreadable = items + len(read), unreadable + bad
        changed += _store(held, version, read)
    changed += _complete(held, version, places)
    log.info("catalogue_synced", version=version, rows=items, count=changed)
    return Synced(version, items, changed, unreadable)


def _here() -> str:
    with transaction() as db:
        return db.scalars(select(CatalogueSync.version)).one()


def _pages(version: str) -> Iterator[Sequence[Mapping[str, Any]]]:
    cursor: str | None = None
    while True:
        page = registry.province().list_items(version, cursor, PAGE)
        yield page.rows
        cursor = page.cursor
        if cursor is None:
            return


def _readable(page: Sequence[Mapping[str, Any]]) -> tuple[list[rows.Row], int]:
    read: dict[str, rows.Row] = {}
    for item in page:
        try:
            row = rows.read(item)
        except rows.BadItem as error:
            log.warning("item_unreadable", name=str(error), object_id=str(item.get("code", ""))[:40])
        else:
            read[row.code] = row
    return list(read.values()), len(page) - len(read)


def _store(held: leases.Claim, version: str, read: Sequence[rows.Row]) -> int:
    """Upsert one page and tell about what changed, in one commit."""
    with transaction() as db:
        _still_ours(db, held)
        known = _told_of(db, [row.code for row in read])
        for row in read:
            _upsert(db, row, version)
        news = [row for row in read if known.get(row.code) != tuple(getattr(row, name) for name in TOLD)]
        for row in news:
            events.emit(db, CHANGED, row.code, {name: getattr(row, name) for name in TOLD})
    return len(news)


def _still_ours(db: Session, held: leases.Claim) -> None:
    """Until the commit, and for another lease: a whole catalogue takes longer to arrive than one."""
    if not leases.extend(db, CatalogueSync, held, lease_s=LEASE_S):
        raise Overtaken


def _told_of(db: Session, codes: list[str]) -> dict[str, tuple[str, ...]]:
    columns = [getattr(Item, name) for name in TOLD]
    return {row[0]: tuple(row[1:]) for row in db.execute(select(Item.code, *columns).where(Item.code.in_(codes)))}


def _upsert(db: Session, row: rows.Row, version: str) -> None:
    values = asdict(row) | {"tenant_id": PROVINCE, "synced_in": version, "updated_at": clock.now()}
    statement = insert(Item).values(values)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=[Item.code],
            set_={name: statement.excluded[name] for name in values if name not in {"code", "tenant_id"}},
        )
    )


def _complete(held: leases.Claim, version: str, places: Sequence[Mapping[str, Any]]) -> int:
    """The version is here whole: suspend what it no longer holds, take over its regions, say so. One commit."""
    with transaction() as db:
        _still_ours(db, held)
        try:
            regions.replace(db, places)
        except rows.BadItem as error:
            log.warning("regions_unreadable", name=str(error))
        gone = db.execute(
            update(Item)
            .where(Item.synced_in != version, Item.status != SUSPENDED)
            .values(status=SUSPENDED, updated_at=clock.now())
            .returning(Item.code, *(getattr(Item, name) for name in TOLD))
        ).all()
        for row in gone:
            events.emit(db, CHANGED, row[0], dict(zip(TOLD, row[1:], strict=True)))
        leases.settle(db, CatalogueSync, held, state="idle", version=version, synced_at=clock.now(), next_at=None)
    return len(gone)


def _finish(held: leases.Claim, version: str) -> None:
    with transaction() as db:
        leases.settle(db, CatalogueSync, held, state="idle", version=version, synced_at=clock.now(), next_at=None)
