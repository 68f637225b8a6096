"""Anchors: the chain's head, signed with a key the database has not, in a file the database administrator cannot write.

The file is `<var_dir>/audit/anchors.jsonl`, one line an anchor, appended and fsynced; ship it off the machine (WORM
storage, another authority's mailbox). The same signed line is kept as a row, so that every host can tell how long ago
anchoring last worked.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, func, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, crypto, strictjson, tasks
from app.core.audit import chain
from app.core.db import ALL_TENANTS, PROVINCE, Base, Tenanted, transaction
from app.core.errors import Problem
from app.core.log import get_log
from config.settings import get_settings

log = get_log("audit")

ANCHOR_LOCK: Final = 72_661_003
EVERY: Final = timedelta(minutes=10)
EVERY_ROWS: Final = 10_000
STOP_AFTER: Final = timedelta(hours=4)
RETRY_AFTER_S: Final = 600


class AuditAnchor(Tenanted, Base):
    """One anchor as it stands in the file."""

    __tablename__ = "audit_anchors"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str]
    anchored_at: Mapped[datetime]
    mac: Mapped[str]


class Anchor(NamedTuple):
    """`at` is text, as it was signed."""

    seq: int
    hash: str
    at: str
    mac: str

    @property
    def is_genuine(self) -> bool:
        return crypto.same(self.mac, _mac(self.seq, self.hash, self.at))


def _mac(seq: int, head_hash: str, at: str) -> str:
    key = base64.b64decode(get_settings().audit_key.get_secret_value())
    return hmac.new(key, f"tongban audit anchor|{seq}|{head_hash}|{at}".encode(), hashlib.sha256).hexdigest()


def file() -> Path:
    return get_settings().var_dir / "audit" / "anchors.jsonl"


def anchor(*, force: bool = False) -> bool:
    """Anchor the head when it is due (or `force`) and has grown; whether an anchor was made. Raises OSError."""
    with transaction(ALL_TENANTS) as db:
        if not db.execute(select(func.pg_try_advisory_xact_lock(ANCHOR_LOCK))).scalar_one():
            return False
        seq, head_hash = chain.head(db)
        if not _is_due(db, seq, force=force):
            return False
        now = clock.now()
        made = Anchor(seq, head_hash, _stamp(now), _mac(seq, head_hash, _stamp(now)))
        _append(made)  # first the file: a row without its line would claim what is not so
        db.execute(
            insert(AuditAnchor).values(seq=seq, tenant_id=PROVINCE, hash=head_hash, anchored_at=now, mac=made.mac)
        )
    return True


def _is_due(db: Session, seq: int, *, force: bool) -> bool:
    last = db.execute(
        select(AuditAnchor.seq, AuditAnchor.anchored_at).order_by(AuditAnchor.seq.desc()).limit(1)
    ).first()
    if last is None:
        return seq > 0
    if seq <= last[0]:
        return False
    return force or seq - last[0] >= EVERY_ROWS or clock.now() - last[1] >= EVERY


def _append(made: Anchor) -> None:
    path = file()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(descriptor, strictjson.dumps(made._asdict()) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def in_file() -> Iterator[Anchor]:
    """Every line of the file; one that cannot be read comes as an anchor that is not genuine."""
    path = file()
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield Anchor(**strictjson.loads(line, integers="platform"))
        except (strictjson.InvalidJson, TypeError):
            yield Anchor(0, "", "", "")


def in_database(db: Session) -> Iterator[Anchor]:
    for row in db.scalars(select(AuditAnchor).order_by(AuditAnchor.seq)):
        yield Anchor(row.seq, row.hash, _stamp(row.anchored_at), row.mac)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def require_anchored(db: Session) -> None:
    """Raise Problem unavailable when what was audited has gone unanchored for four hours: no privileged act then.

    A quiet system has nothing to anchor and passes. A row in audit_anchors counts only if its signature is ours.
    """
    standing: Any = db.execute(text("SELECT * FROM audit_standing()")).one()
    if standing.seq is not None:
        last = Anchor(standing.seq, standing.hash, _stamp(standing.anchored_at), standing.mac)
        if not last.is_genuine:
            _stop("anchor_forged")
    oldest = min((at for at in (standing.next_sealed_at, standing.oldest_pending) if at is not None), default=None)
    if oldest is not None and clock.now() - oldest > STOP_AFTER:
        _stop("anchor_overdue")


def _stop(reason: str) -> None:
    log.error("privileged_act_refused", reason=reason)
    raise Problem("unavailable", headers={"Retry-After": str(RETRY_AFTER_S)})


@tasks.job("anchor_audit", every_s=60)
def anchor_audit() -> None:
    try:
        anchor()
    except OSError as error:
        log.error("anchor_failed", error=type(error).__name__)  # noqa: TRY400  our log has no traceback to print
