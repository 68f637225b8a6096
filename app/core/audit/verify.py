"""The verifier: walks chain, rows and anchors from the first place to the last and names the first bad one.

Run by operations and after every fault run. It only reads, and recomputes everything from the rows themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.audit import anchors, chain
from app.core.audit.chain import ChainRow
from app.core.audit.entries import DIGESTED, AuditEntry, PendingEntry, digest_of
from app.core.db import ALL_TENANTS, transaction

PAGE: Final = 2000
UNSEALED_AFTER_S: Final = 5


@dataclass(frozen=True)
class Verdict:
    """`bad_seq` is the first bad place, `bad_entry` the row there if one is known, `reason` one word:

    missing, broken_link, chain_altered, entry_missing, entry_altered, forked, truncated, anchor_forged.
    `unsealed` counts rows older than five seconds that have no place; `rows` and `anchors` what was checked.
    """

    ok: bool
    rows: int
    anchors: int
    unsealed: int = 0
    bad_seq: int | None = None
    bad_entry: str = ""
    reason: str = ""


@dataclass(frozen=True)
class _Fault:
    seq: int
    entry_id: str
    reason: str


def verify_chain() -> Verdict:
    """Check everything. `ok` also needs that nothing is left unsealed."""
    with transaction(ALL_TENANTS) as db:
        db.execute(text("SET LOCAL statement_timeout = 0"))
        pinned = [*anchors.in_file(), *anchors.in_database(db)]
        genuine = {made.seq: made.hash for made in pinned if made.is_genuine}
        checked, fault = _walk(db, genuine)
        if fault is None and len(genuine) != len({made.seq for made in pinned}):
            fault = _Fault(checked + 1, "", "anchor_forged")
        unsealed = _unsealed(db)
    if fault is None:
        return Verdict(unsealed == 0, checked, len(genuine), unsealed)
    return Verdict(False, checked, len(genuine), unsealed, fault.seq, fault.entry_id, fault.reason)


def _walk(db: Session, pinned: dict[int, str]) -> tuple[int, _Fault | None]:
    expected, prev = 1, chain.GENESIS
    for place, entry in _pages(db):
        reason = _judge(place, entry, expected, prev, pinned)
        if reason:
            bad = expected if reason == "missing" else place.seq
            return expected - 1, _Fault(bad, "" if reason == "missing" else place.entry_id, reason)
        expected, prev = place.seq + 1, place.hash
    if any(seq >= expected for seq in pinned):
        return expected - 1, _Fault(expected, "", "truncated")
    return expected - 1, None


def _judge(place: ChainRow, entry: AuditEntry | None, expected: int, prev: str, pinned: dict[int, str]) -> str:
    """The first thing wrong with one place, "" if nothing is."""
    made = chain.link(place.prev_hash, place.seq, place.entry_id, place.entry_digest)
    faults = (
        (place.seq != expected, "missing"),
        (place.prev_hash != prev, "broken_link"),
        (place.hash != made, "chain_altered"),
        (entry is None, "entry_missing"),
        (entry is not None and _digest(entry) != place.entry_digest, "entry_altered"),
        (pinned.get(place.seq, place.hash) != place.hash, "forked"),
    )
    return next((reason for wrong, reason in faults if wrong), "")


def _digest(entry: AuditEntry) -> str:
    return digest_of({name: getattr(entry, name) for name in DIGESTED})


def _pages(db: Session) -> Iterator[tuple[ChainRow, AuditEntry | None]]:
    last = 0
    while True:
        page: Any = db.execute(
            select(ChainRow, AuditEntry)
            .outerjoin(AuditEntry, AuditEntry.id == ChainRow.entry_id)
            .where(ChainRow.seq > last)
            .order_by(ChainRow.seq)
            .limit(PAGE)
        ).all()
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1][0].seq
        db.expunge_all()


def _unsealed(db: Session) -> int:
    """Rows without a place, and places asked for by rows that are gone."""
    late = func.clock_timestamp() - text(f"interval '{UNSEALED_AFTER_S} seconds'")
    without = select(func.count()).where(
        AuditEntry.at < late, ~select(ChainRow.seq).where(ChainRow.entry_id == AuditEntry.id).exists()
    )
    orphans = select(func.count()).where(
        PendingEntry.at < late, ~select(AuditEntry.id).where(AuditEntry.id == PendingEntry.entry_id).exists()
    )
    return int(db.execute(without).scalar_one()) + int(db.execute(orphans).scalar_one())
