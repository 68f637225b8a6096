"""Ports of the demo: free before we start, answering after.

Called by demo.py and house.py. Never ends whoever holds a port.
"""

import http.client
import socket
from collections.abc import Callable

from app.stack.errors import StackError

HOST = "127.0.0.1"
ASK_WITHIN_S = 2.0
OK = 200


def refuse_taken(ports: dict[str, int]) -> None:
    """Raise StackError naming the variable to change when a port is taken, or named twice."""
    for variable, port in ports.items():
        twins = [name for name, other in ports.items() if other == port]
        if len(twins) > 1:
            raise StackError(f"{' and '.join(twins)} are both {port}: give each its own port.")
        if not _is_free(port):
            raise StackError(
                f"port {port} is taken by another program: choose another one, for example "
                f"make demo {variable}={_suggestion(port)}.",
            )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server would: a port whose last connections are only being forgotten counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _suggestion(port: int) -> int:
    return next((other for other in range(port + 10, port + 1000, 10) if _is_free(other)), port + 10)


def answers(port: int, path: str) -> Callable[[int], bool]:
    """A readiness probe: GET `path` on `port` says 200."""

    def probe(_pid: int) -> bool:
        wire = http.client.HTTPConnection(HOST, port, timeout=ASK_WITHIN_S)
        try:
            wire.request("GET", path)
            return wire.getresponse().status == OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            wire.close()

    return probe
