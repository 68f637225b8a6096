"""The WSGI gate in front of the stand-ins that plays faults no Flask view can: hangs, resets, half bodies.

It stands outside Flask because a reset needs the server's own socket. The control paths and pages pass untouched.
"""

import errno
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Self
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from app.sandbox.faults import WIRE, Fault, Faults

UNTOUCHED: Final = ("/sim/", "/play", "/phone", "/static/")
GARBAGE: Final = b'{"errcode":0,"errmsg":"ok","data":{"tru'
SERVER_SOCKETS: Final = ("gunicorn.socket", "werkzeug.socket")


class Recorded:
    """A whole answer of the inner application, kept back so that its execution and its delivery can part ways."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.body = b""

    @classmethod
    def of(cls, inner: WSGIApplication, environ: WSGIEnvironment) -> Self:
        recorded = cls()

        def start(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], object]:
            recorded.status, recorded.headers = status, headers
            return lambda _chunk: None

        chunks = inner(environ, start)
        try:
            recorded.body = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        return recorded


def reset_connection(environ: WSGIEnvironment) -> None:
    """End the connection with a TCP RST, as a crashed upstream would.

    With SO_LINGER (on, 0 s) the close of the last descriptor is a reset. Both servers would shut the socket down
    politely first (FIN), so its descriptor is swapped for a spare: the connection dies now, and what the server does
    to the number afterwards meets a socket nobody reads. The raised ECONNRESET makes gunicorn's gthread worker and
    werkzeug drop the request without an answer or a complaint.
    """
    for name in SERVER_SOCKETS:
        sock = environ.get(name)
        if isinstance(sock, socket.socket) and sock.family in {socket.AF_INET, socket.AF_INET6}:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            spare, peer = socket.socketpair()
            os.dup2(spare.fileno(), sock.fileno())
            spare.close()
            peer.close()
    raise ConnectionResetError(errno.ECONNRESET, "scripted reset")


class FaultGate:
    """`note(kind, path)` tells the journal; `released` ends every hang at once (reset, shutdown)."""

    def __init__(self, inner: WSGIApplication, faults: Faults, note: Callable[[str, str], None]) -> None:
        self._inner = inner
        self._faults = faults
        self._note = note
        self._released = threading.Event()
        self._play: dict[str, Callable[[Fault, WSGIEnvironment, StartResponse], Iterable[bytes]]] = {
            "delay": self._delay,
            "5xx": self._server_error,
            "hang": self._hang,
            "execute-then-hang": self._execute_then_hang,
            "execute-then-reset": self._execute_then_reset,
            "half-body": self._half_body,
            "bad-json": self._bad_json,
        }

    def release(self) -> None:
        released, self._released = self._released, threading.Event()
        released.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        fault = None if path.startswith(UNTOUCHED) else self._faults.take(WIRE, path)
        if fault is None:
            return self._inner(environ, start_response)
        self._note(fault.kind, path)
        return self._play[fault.kind](fault, environ, start_response)

    def _delay(self, fault: Fault, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        self._released.wait(fault.delay_s)
        return self._inner(environ, start)

    def _server_error(self, fault: Fault, _environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = f"<html><body><h1>{fault.status}</h1></body></html>".encode()
        start(f"{fault.status} Scripted", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
        return [body]

    def _hang(self, fault: Fault, environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
        self._released.wait(fault.delay_s)
        return self._end(environ)

    def _execute_then_hang(self, fault: Fault, environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
        Recorded.of(self._inner, environ)
        self._released.wait(fault.delay_s)
        return self._end(environ)

    def _execute_then_reset(self, _fault: Fault, environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
        Recorded.of(self._inner, environ)
        return self._end(environ)

    def _end(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        reset_connection(environ)
        return []

    def _half_body(self, _fault: Fault, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        recorded = Recorded.of(self._inner, environ)
        start(recorded.status, [*_without_length(recorded.headers), ("Content-Length", str(len(recorded.body)))])
        return self._half(recorded.body, environ)

    def _half(self, body: bytes, environ: WSGIEnvironment) -> Iterator[bytes]:
        yield body[: len(body) // 2]
        reset_connection(environ)

    def _bad_json(self, _fault: Fault, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        recorded = Recorded.of(self._inner, environ)
        start(recorded.status, [*_without_length(recorded.headers), ("Content-Length", str(len(GARBAGE)))])
        return [GARBAGE]


def _without_length(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() != "content-length"]
