"""The one way out (security.md P1): every call of every platform folder and of the gateway passes `send`.

    NotSent          our policy refused it, or no connection came about: the other side saw nothing
    Answer           a whole answer, of whatever status; a redirect is an answer like any other
    OutcomeUnknown   bytes may have left and no whole answer came back: never repeated from here

`send` never retries, follows no redirect, reads no proxy or netrc, keeps no cookie, logs nothing, and refuses to run
inside a database transaction. Connections are kept per origin and never shared with another; a reused one was checked
when it was opened. `session` and `adapter` put requests users (the WeChat SDK) on the same road.
"""

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any, Final

import requests
from prometheus_client import Counter
from requests.adapters import BaseAdapter

from app.core import clock, db, egress, wire
from app.core.egress import BadPath, checked_path
from app.core.errors import NotSent, OutcomeUnknown

__all__ = ["Answer", "BadPath", "Call", "Headers", "adapter", "checked_path", "send", "session"]

MIB: Final = 1024 * 1024
MAX_REQUEST_BYTES: Final = 2 * MIB
# A busy origin never leaves a connection idle this long, and for a quiet one a fresh connection is cheaper than an
# outcome that is unknown because the peer closed at the same moment (gunicorn does after 2 s, node after 5).
IDLE_S: Final = 1.5
PER_ORIGIN: Final = 128
MOST_SERIES: Final = 400

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")  # no underscore: some servers read it as a hyphen
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
# Ours to write: framing, routing, and the coding we are ready to undo.
_OURS: Final = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
    "proxy-connection", "proxy-authorization", "accept-encoding",
})  # fmt: skip

_calls = Counter("tongban_outbound_calls", "Calls out, by how they ended", ["platform", "operation", "outcome"])


class Headers(Mapping[str, str]):
    """Response headers: names in any case, repeated fields joined with ", "."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields:
            lower = name.lower()
            self._fields[lower] = f"{self._fields[lower]}, {value}" if lower in self._fields else value

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `url` leaves as it is written; `platform` and `operation` are fixed words for the metrics."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    platform: str = "other"
    operation: str = "other"
    connect_s: float = 2.0
    first_byte_s: float = 10.0
    total_s: float = 30.0
    max_bytes: int = 10 * MIB


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `body` is decoded and within `max_bytes`; `elapsed_s` counts from the start of send."""

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    elapsed_s: float = 0.0


def send(call: Call) -> Answer:
    """Make one call. Raises NotSent or OutcomeUnknown with a static reason; RuntimeError inside a transaction.

    Reasons of NotSent: url, scheme, port, host, path, method, header, body, pool_full, dns, dns_timeout, address,
    connect, connect_timeout, tls, tls_timeout. Of OutcomeUnknown: timeout, reset, truncated, bad_answer, too_large,
    encoding, bomb.
    """
    if db.in_transaction():
        raise RuntimeError("a call to the outside inside a database transaction: commit the intent first")
    started = clock.monotonic()
    outcome = "error"
    try:
        response, body = _exchange(call, started)
        outcome = f"{response.status // 100}xx"
    except NotSent:
        outcome = "not_sent"
        raise
    except OutcomeUnknown:
        outcome = "unknown"
        raise
    finally:
        _series(call.platform, call.operation, outcome).inc()
    return Answer(response.status, Headers(response.fields), body, clock.monotonic() - started)


def _exchange(call: Call, started: float) -> tuple[wire.Response, bytes]:
    target = egress.parse(call.url)
    head, body = _request(call, target)
    limits = wire.Limits(started, call.connect_s, call.first_byte_s, call.total_s, call.max_bytes)
    pool = _pool(target)
    connection = pool.take(target, limits)
    reusable = False
    try:
        response, answer = connection.exchange(head, body, call.method, limits)
        reusable = not response.will_close
    finally:  # also when a worker is told to stop in the middle: half an answer must not meet the next caller
        pool.give_back(connection, reusable=reusable)
    return response, answer


def _request(call: Call, target: egress.Target) -> tuple[bytes, bytes]:
    body = call.body or b""
    if call.method not in _METHODS:
        raise NotSent("method")
    if len(body) > MAX_REQUEST_BYTES:
        raise NotSent("body")
    lines = [f"{call.method} {target.target} HTTP/1.1\r\nHost: {target.authority}\r\nAccept-Encoding: identity\r\n"]
    for name, value in call.headers.items():
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)) or name.lower() in _OURS:
            raise NotSent("header")
        lines.append(f"{name}: {value}\r\n")
    if body or call.method not in _BODILESS:
        lines.append(f"Content-Length: {len(body)}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("ascii"), body


class Pool:
    """The connections of one origin; the cap keeps one that hangs from starving the others (X9)."""

    def __init__(self) -> None:
        self._idle: deque[wire.Connection] = deque()
        self._room = BoundedSemaphore(PER_ORIGIN)

    def take(self, target: egress.Target, limits: wire.Limits) -> wire.Connection:
        if not self._room.acquire(blocking=False) and not self._room.acquire(
            timeout=limits.left_s(limits.connect_by, "pool_full")
        ):
            raise NotSent("pool_full")
        try:
            return self._kept() or wire.connect(target, limits)
        except BaseException:
            self._room.release()
            raise

    def _kept(self) -> wire.Connection | None:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                return None
            if clock.monotonic() - connection.idle_since < IDLE_S and connection.is_quiet():
                return connection
            connection.close()
        return None

    def give_back(self, connection: wire.Connection, *, reusable: bool) -> None:
        if reusable:
            connection.idle_since = clock.monotonic()
            self._idle.append(connection)
        else:
            connection.close()
        self._room.release()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


_pools: dict[tuple[str, str, int], Pool] = {}


def _pool(target: egress.Target) -> Pool:
    origin = (target.scheme, target.host, target.port)
    return _pools.get(origin) or _pools.setdefault(origin, Pool())


def forget() -> None:
    """Drop every kept connection; after a fork, two processes writing on one socket would mix up their callers."""
    for pool in list(_pools.values()):
        pool.close()
    _pools.clear()
    egress.forget()


os.register_at_fork(after_in_child=forget)


_counted: dict[tuple[str, str, str], Any] = {}


def _series(platform: str, operation: str, outcome: str) -> Any:
    """The counter of these words. A caller who puts an id into `operation` fills the table, not the memory (D5)."""
    words = (platform, operation, outcome)
    if words not in _counted:
        if len(_counted) >= MOST_SERIES:
            words = ("other", "other", outcome)
        _counted[words] = _calls.labels(*words)
    return _counted[words]


class _Adapter(BaseAdapter):
    """requests' transport seam over `send`. Timeouts, proxies, verify and certificates of the caller are not heard."""

    def __init__(self, platform: str, operation: str) -> None:
        super().__init__()
        self._platform = platform
        self._operation = operation

    def send(self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        headers = {name: _header_text(value) for name, value in request.headers.items() if name.lower() not in _OURS}
        body = request.body.encode() if isinstance(request.body, str) else request.body
        if not isinstance(body, bytes | None):  # a file or a generator: its size is not known before it is sent
            raise NotSent("body")
        call = Call(request.method or "", request.url or "", headers, body, self._platform, self._operation)
        return _as_requests(send(call), request)

    def close(self) -> None:
        """Nothing is held here."""


def _header_text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _as_requests(answer: Answer, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(answer.headers)
    response._content = answer.body  # noqa: SLF001  requests offers no other way to hand over a body already read
    response.url = request.url or ""
    response.request = request
    response.encoding = "utf-8"
    return response


def adapter(platform: str = "other", operation: str = "sdk") -> BaseAdapter:
    """For a requests.Session of somebody else's making; see `session` for the rest of what it must be told."""
    return _Adapter(platform, operation)


class _Session(requests.Session):
    """A Session that looks at no environment and follows nothing."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        del resp
        return None


def session(platform: str = "other", operation: str = "sdk") -> requests.Session:
    """A requests.Session on the one road. Raises NotSent and OutcomeUnknown, not requests' exceptions."""
    made = _Session()
    made.trust_env = False
    for scheme in ("https://", "http://"):
        made.mount(scheme, adapter(platform, operation))
    return made
