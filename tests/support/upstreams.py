"""A hand-held upstream for tests of the outbound road: it reads requests, and each one is answered by a script.

A script is a function of the open socket; what it does not send is not sent. Requests and connections are kept.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from app.core import http

Script = Callable[[socket.socket], None]


def answer(raw: bytes) -> Script:
    """Send these bytes, keep the connection."""
    return lambda connection: connection.sendall(raw)


def reset(connection: socket.socket) -> None:
    """Close so that the caller sees ECONNRESET."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def close(connection: socket.socket) -> None:
    """An orderly goodbye without a byte."""
    connection.close()


def ok(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> Script:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return answer("\r\n".join(lines).encode("latin-1") + body)


class Upstream:
    """Listens on a loopback address; `scripts` are used up in order, the last one for ever."""

    def __init__(self, *scripts: Script, host: str = "127.0.0.1") -> None:
        self.scripts = list(scripts) or [ok()]
        self.requests: list[bytes] = []
        self.connections = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, dualstack_ipv6=host == "::")
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.authority}{path}"

    @property
    def targets(self) -> list[str]:
        return [request.split(b" ", 2)[1].decode("latin-1") for request in self.requests]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (request := _read_request(connection)) is not None:
                self.requests.append(request)
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                script(connection)

    def stop(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()


def _read_request(connection: socket.socket) -> bytes | None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def running(*scripts: Script) -> Iterator[Upstream]:
    upstream = Upstream(*scripts)
    try:
        yield upstream
    finally:
        http.forget()
        upstream.stop()
