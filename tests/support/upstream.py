"""A service behind the gateway, for tests: it keeps what it received and answers by a function or by raw scripts.

`Speaking` answers each request from the request itself (an echo cannot be faked by order); tests.support.upstreams
answers by scripts of raw bytes.
"""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.core import http
from tests.support.upstreams import Upstream, _read_request, ok

JSON = "Content-Type: application/json"


@dataclass(frozen=True)
class Received:
    """One request as its bytes said it; header names lower-case, each with every value it came with."""

    method: str
    target: str
    headers: dict[str, list[str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    def header(self, name: str) -> str:
        """The one value of a header; the test fails if it came twice."""
        values = self.headers.get(name.lower(), [])
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else ""


def parsed(raw: bytes) -> Received:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    return Received(method, target, headers, body)


def enveloped(data: Any, code: int = 0, status: str = "200 OK", *headers: str):
    """A script: the tif envelope around `data`."""
    body = json.dumps({"errcode": code, "errmsg": "ok", "data": data}, ensure_ascii=False).encode()
    return ok(body, JSON, *headers, status=status)


def received(upstream: Upstream) -> list[Received]:
    return [parsed(raw) for raw in upstream.requests]


class Speaking(Upstream):
    """Answers each request with `tell(Received)` in the tif envelope; `drop_every` n closes every nth connection."""

    def __init__(self, tell: Callable[[Received], Any], *, drop_every: int = 0) -> None:
        self._tell = tell
        self._drop_every = drop_every
        super().__init__()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (raw := _read_request(connection)) is not None:
                self.requests.append(raw)
                if self._drop_every and len(self.requests) % self._drop_every == 0:
                    connection.close()
                    return
                enveloped(self._tell(parsed(raw)))(connection)


@contextlib.contextmanager
def speaking(tell: Callable[[Received], Any], **options: Any) -> Iterator[Speaking]:
    upstream = Speaking(tell, **options)
    try:
        yield upstream
    finally:
        http.forget()
        upstream.stop()
