"""Evidence of what passed, by digest, never content: before the bytes leave where it matters, in batches elsewhere.

`opened` and `closed` frame a write or a call that hands over identity: its row is there, SENDING, before anything
leaves, so a worker killed in the middle leaves a visible trace, which the sweep turns into UNKNOWN. `noted` takes plain
reads; a thread writes them at least every FLUSH_S. When the database is away so long that the room for them is full,
`noted` refuses: traffic without evidence does not pass.
"""

import atexit
import os
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import insert, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import clock, crypto, strictjson
from app.core.db import ALL_TENANTS, transaction
from app.core.errors import Problem
from app.core.ids import new_id
from app.core.log import get_log
from handlers.gateway.models import SENDING, UNKNOWN, Exchange
from handlers.gateway.road import Forward
from handlers.gateway.transport import Heard

log = get_log("gateway")

FLUSH_S: Final = 0.2
ROOM: Final = 20_000
FLUSH_AT: Final = 500
LOST_AFTER_S: Final = 120  # longer than any call may take with its ticket


class Row(NamedTuple):
    """A whole exchange, in the order of COLUMNS."""

    id: str
    tenant_id: str
    service_id: str
    version: int
    citizen_ref: str
    method: str
    path_template: str
    outcome: str
    reason: str
    upstream_status: int | None
    request_digest: str
    response_digest: str
    started_at: datetime
    elapsed_ms: int | None
    idempotency_ref: str
    request_id: str


_TYPES: Final = {"version": "int", "upstream_status": "int", "started_at": "timestamptz", "elapsed_ms": "int"}
# One statement a batch, its rows as one JSON text: the driver's arrays cost four times as much to write, an INSERT a
# row forty times. COPY would be as cheap, but PostgreSQL has none under row-level security.
_INSERT: Final = text(
    f"INSERT INTO exchanges ({', '.join(Row._fields)}) SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS given ("  # noqa: S608  our own column names
    + ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in Row._fields)
    + ")"
)


def row_of(forward: Forward, account_id: str, request_id: str, started_at: datetime, heard: Heard) -> Row:
    service = forward.service
    return Row(
        new_id("ex"), service.tenant_id, service.id, service.version, account_id, forward.operation.method,
        forward.operation.pattern, heard.outcome, heard.reason, heard.status, _kept(forward.digest),
        _kept(heard.digest), started_at, heard.elapsed_ms, "", request_id,
    )  # fmt: skip


def _kept(digest: str) -> str:
    """Keyed: a plain digest of a short body or path could be tried out by whoever reads the table (P7)."""
    return crypto.blind_index("exchange", digest) if digest else ""


# ---- before the bytes leave -----------------------------------------------------------------------------------------


def opened(db: Session, forward: Forward, account_id: str, request_id: str, *, exchange_id: str, key_ref: str) -> None:
    """Write the intent into the open transaction."""
    waiting = Heard(SENDING)
    row = row_of(forward, account_id, request_id, clock.now(), waiting)
    db.execute(
        insert(Exchange).values(row._replace(id=exchange_id, elapsed_ms=None, idempotency_ref=key_ref)._asdict())
    )


def closed(exchange_id: str, heard: Heard) -> None:
    """Write the outcome; a row that the sweep has called UNKNOWN meanwhile stays so."""
    with transaction(ALL_TENANTS) as db:
        db.execute(
            update(Exchange)
            .where(Exchange.id == exchange_id, Exchange.outcome == SENDING)
            .values(
                outcome=heard.outcome, reason=heard.reason, upstream_status=heard.status,
                response_digest=_kept(heard.digest), elapsed_ms=heard.elapsed_ms,
            )
        )  # fmt: skip


def sweep() -> int:
    """Calls whose worker died: nobody will ever say how they ended."""
    with transaction(ALL_TENANTS) as db:
        lost = db.execute(
            update(Exchange)
            .where(Exchange.outcome == SENDING, Exchange.started_at < clock.now() - timedelta(seconds=LOST_AFTER_S))
            .values(outcome=UNKNOWN, reason="worker_lost")
            .returning(Exchange.id)
        ).all()
    return len(lost)


# ---- in batches -----------------------------------------------------------------------------------------------------


class Batch:
    """Rows waiting for the database, in one process."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, row: Row) -> None:
        """Raises Problem evidence_full when the database has been away too long."""
        with self._lock:
            if len(self._rows) >= ROOM:
                raise Problem("evidence_full", headers={"Retry-After": "5"})
            self._rows.append(row)
            waiting = len(self._rows)
            if self._thread is None:
                self._start()
        if waiting == FLUSH_AT:
            self._wanted.set()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="exchanges", daemon=True)
        self._thread.start()
        atexit.register(self.flush)

    def _run(self) -> None:
        while True:
            self._wanted.wait(FLUSH_S)
            self._wanted.clear()
            self.flush()

    def flush(self) -> int:
        """Write what waits; on failure it waits on. Returns how many rows were written."""
        with self._writing:
            with self._lock:
                rows, self._rows = self._rows, []
            if not rows:
                return 0
            try:
                _write(rows)
            except (SQLAlchemyError, OSError) as error:
                log.warning("exchanges_not_written", error=type(error).__name__, rows=len(rows))
                with self._lock:
                    self._rows = rows + self._rows
                return 0
            return len(rows)


def _write(rows: Sequence[Row]) -> None:
    told = [{**row._asdict(), "started_at": row.started_at.isoformat()} for row in rows]
    with transaction(ALL_TENANTS) as db:
        db.execute(_INSERT, {"rows": strictjson.dumps(told).decode()})


BATCH = Batch()


def noted(row: Row) -> None:
    BATCH.add(row)


def _after_fork() -> None:
    global BATCH  # noqa: PLW0603  the parent writes its own rows; a child starts with none
    BATCH = Batch()


os.register_at_fork(after_in_child=_after_fork)
