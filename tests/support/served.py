"""The application behind a real gunicorn on loopback, as production runs it, for tests of bytes, threads and kills."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.surroundings import free_port
from tests.support.wait import until

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Served:
    """A running server: raw bytes in, raw bytes out."""

    port: int
    internal_port: int
    process: subprocess.Popen[bytes]

    def say(self, raw: bytes, *, half_close: bool = False, timeout_s: float = 20.0) -> bytes:
        """Send these bytes on a fresh connection and read until the server closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s) as wire:
            with contextlib.suppress(OSError):
                wire.sendall(raw)
                if half_close:
                    wire.shutdown(socket.SHUT_WR)
            received = b""
            with contextlib.suppress(OSError):
                while chunk := wire.recv(65536):
                    received += chunk
            return received

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None):
        """(status, headers, body) of one ordinary request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def kill_workers(self) -> list[int]:
        """kill -9, as a machine out of memory would; the master starts others."""
        killed = self.workers()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until(lambda: self.workers() and not set(self.workers()) & set(killed), "other workers")
        return killed

    def is_up(self) -> bool:
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except OSError:
            return False


@contextlib.contextmanager
def serving(var: Path, *upstreams: str, workers: int = 1, threads: int = 8) -> Iterator[Served]:
    """`upstreams` are host:port pairs the server may call besides the sandbox."""
    port, internal_port = free_port(), free_port()
    exceptions = ",".join((os.environ["TB_EGRESS_EXCEPTIONS"], *upstreams))
    environment = os.environ | {
        "TB_HTTP_PORT": str(port), "TB_INTERNAL_PORT": str(internal_port), "TB_VAR_DIR": str(var),
        "TB_EGRESS_EXCEPTIONS": exceptions, "PYTHONPATH": str(ROOT), "TB_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "--workers", str(workers)]
    command += ["--threads", str(threads), "wsgi:app"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    served = Served(port, internal_port, process)
    try:
        until(served.is_up, "the server answers")
        yield served
    finally:
        process.terminate()
        process.wait(30)
