"""The inbound callback pipeline (security.md P2, C1, C2, C6, V8): nothing is believed, nothing accepted is lost.

    size cap -> verify (the platform's folder: signature over the raw bytes, time, app, shape) -> one transaction:
    dedupe row, sealed envelope, outbox event -> commit -> answer

`verify` raises Forged (any doubt about who sent it) or Malformed (signed, and not of the agreed shape); each has one
answer for the outside, so nothing can be learned from it. A repeat, by event id or by nonce and same body, gets the
first answer and is not applied again; a nonce with another body is a forgery. The dedupe row lives in SQL, so an
emptied Redis forgets nothing. Any other exception is a bug or an outage: it propagates, the answer is a 5xx, and the
platform will send again. handlers/callbacks.py calls `receive`; subscribers call `read`.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import UniqueConstraint, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, crypto, events, strictjson
from app.core.db import Base, Tenanted, tenant_of, transaction
from app.core.ids import new_id
from app.core.log import get_log

log = get_log("inbound")

MAX_BODY: Final = 64 * 1024
LONGEST_TEXT: Final = 4096
IGNORED: Final = "ignored"
# Base64 longer than any field of any platform's callback is a file (V8); WeChat's own ciphertext is below this.
_BLOB = re.compile(rb"[A-Za-z0-9+/_=\\-]{8192,}")


class Forged(Exception):
    """Not proved to come from the platform. `reason` is one static word for our log; the sender never sees it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Malformed(Exception):
    """Proved, and yet not of the agreed shape. `reason` as above."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Inbound:
    """A callback as it came. `query` is the raw query string, header names are lower-case."""

    platform: str
    app_id: str
    method: str
    path: str
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime = field(default_factory=clock.now)

    @property
    def source(self) -> str:
        return f"{self.platform}/{self.app_id}"


class VerifiedEvent(Protocol):
    """What `verify` returns; app.platforms.base.PlatformEvent is one. An empty nonce means the platform has none."""

    @property
    def kind(self) -> str: ...
    @property
    def event_id(self) -> str: ...
    @property
    def nonce(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def reply(self) -> bytes: ...
    @property
    def reply_type(self) -> str: ...


@dataclass(frozen=True)
class Reply:
    """The answer to the platform."""

    status: int
    body: bytes
    content_type: str = "text/plain"


REFUSED: Final = Reply(403, b"refused")
NOT_UNDERSTOOD: Final = Reply(400, b"not understood")
TOO_LARGE: Final = Reply(413, b"too large")


class InboundEvent(Tenanted, Base):
    """One accepted callback, insert-only: who, which, when, and its content sealed."""

    __tablename__ = "inbound_events"
    __table_args__ = (UniqueConstraint("source", "event_id"), UniqueConstraint("source", "nonce"))
    id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    event_id: Mapped[str]
    nonce: Mapped[str | None]
    kind: Mapped[str]
    body_digest: Mapped[str]
    envelope: Mapped[str]
    data: Mapped[str]
    reply: Mapped[str]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]


def receive(inbound: Inbound, verify: Callable[[Inbound], VerifiedEvent]) -> Reply:
    """Take one callback through the pipeline. The reply is made only after the commit."""
    if len(inbound.body) > MAX_BODY:
        return _refused(inbound, "too_large", TOO_LARGE)
    try:
        event = verify(inbound)
        with transaction() as db:
            return _keep(db, inbound, event)
    except Forged as error:
        return _refused(inbound, error.reason, REFUSED)
    except Malformed as error:
        return _refused(inbound, error.reason, NOT_UNDERSTOOD)


def read(db: Session, inbound_id: str) -> dict[str, Any]:
    """The data of an accepted callback, opened, for the subscriber of its event. Raises NoResultFound."""
    row = db.execute(select(InboundEvent).where(InboundEvent.id == inbound_id)).scalar_one()
    opened: dict[str, Any] = strictjson.loads(_opened(row, "data"), max_bytes=8 * MAX_BODY, integers="platform")
    return opened


def _keep(db: Session, inbound: Inbound, event: VerifiedEvent) -> Reply:
    row_id, digest = new_id("in"), hashlib.sha256(inbound.body).hexdigest()
    if not _insert(db, row_id, digest, inbound, event):
        return _repeated(db, digest, inbound, event)
    if event.kind != IGNORED:
        told: dict[str, events.Value] = {"platform": inbound.platform, "app_id": inbound.app_id}
        events.emit(db, f"callback.{event.kind}", row_id, told)
    return Reply(200, event.reply, event.reply_type)


def _insert(db: Session, row_id: str, digest: str, inbound: Inbound, event: VerifiedEvent) -> bool:
    tenant = tenant_of(db)
    reply = {"body": base64.b64encode(event.reply).decode(), "type": event.reply_type}
    content = {
        "envelope": _envelope(inbound),
        "data": strictjson.dumps(_short(event.data)),
        "reply": strictjson.dumps(reply),
    }
    sealed = {
        column: crypto.seal(plain, table="inbound_events", column=column, row_id=row_id, tenant=tenant)
        for column, plain in content.items()
    }
    made = db.execute(
        insert(InboundEvent)
        .values(
            id=row_id, tenant_id=tenant, source=inbound.source, event_id=event.event_id, nonce=event.nonce or None,
            kind=str(event.kind), body_digest=digest, occurred_at=event.occurred_at, received_at=inbound.received_at,
            **sealed,
        )
        .on_conflict_do_nothing()
        .returning(InboundEvent.id)
    )  # fmt: skip
    return made.first() is not None


def _repeated(db: Session, digest: str, inbound: Inbound, event: VerifiedEvent) -> Reply:
    same = or_(InboundEvent.event_id == event.event_id, InboundEvent.nonce == event.nonce)
    found = db.scalars(select(InboundEvent).where(InboundEvent.source == inbound.source, same)).all()
    for row in found:
        if event.nonce and row.nonce == event.nonce and not crypto.same(row.body_digest, digest):
            raise Forged("nonce_reused")
    first = next((row for row in found if row.event_id == event.event_id), found[0])
    reply = strictjson.loads(_opened(first, "reply"))
    return Reply(200, base64.b64decode(reply["body"]), reply["type"])


def _opened(row: InboundEvent, column: str) -> bytes:
    sealed: str = getattr(row, column)
    return crypto.unseal_bytes(sealed, table="inbound_events", column=column, row_id=row.id, tenant=row.tenant_id)


def _envelope(inbound: Inbound) -> bytes:
    """What came, as evidence; files are left out and said to be."""
    head = f"{inbound.method} {inbound.path}?{inbound.query}\n\n".encode("utf-8", "replace")
    try:
        inbound.body.decode("utf-8")
    except UnicodeDecodeError:
        return head + f"[{len(inbound.body)} bytes of binary left out]".encode()
    return head + _BLOB.sub(lambda found: b"[%d bytes left out]" % len(found[0]), inbound.body)


def _short(value: Any) -> Any:
    """The parsed data without anything of a file's length."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"[{len(value)} characters left out]"
    if isinstance(value, Mapping):
        return {str(name): _short(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return value


def _refused(inbound: Inbound, reason: str, reply: Reply) -> Reply:
    log.warning("callback_refused", platform=inbound.platform, app_id=inbound.app_id, reason=reason)
    return reply
