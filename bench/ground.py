"""Where the bench stands: its own PostgreSQL and Redis, free ports, settings, and a supervisor for every process.

Everything lives in one new folder and is gone afterwards; every process is a child of this one and is ended by its pid.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from app.stack import house, places, postgres, recipe, redis
from app.stack.errors import StackError
from app.stack.supervisor import Child, Supervisor
from app.stack.surroundings import ROOT, VAR, Given


@dataclass
class Ground:
    """One run's surroundings. `pids` are the leaders of every process group that is ours."""

    home: Path
    settings: dict[str, str]
    ports: dict[str, int]
    superuser: str
    supervisor: Supervisor
    pids: dict[str, int] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """What a process of the application sees."""
        return house.environment(self.settings)

    def start(self, child: Child) -> float:
        """Seconds from the start of the process to ready."""
        begun = time.monotonic()
        self.supervisor.add([child])
        self.note(child.name)
        return time.monotonic() - begun

    def note(self, name: str) -> None:
        pid = self.supervisor.pid(name)
        if pid is None:
            raise StackError(f"{name} is down; see {self.home / 'logs'}")
        self.pids[name] = pid

    def run(self, *words: str, stdin: str = "") -> str:
        """One program of the application to its end; its output."""
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.env, input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StackError(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def sql(self) -> "psycopg.Connection[tuple[object, ...]]":
        """As the server's superuser, who sees every tenant's rows."""
        return psycopg.connect(self.superuser, autocommit=True)


def free_ports(names: tuple[str, ...]) -> dict[str, int]:
    """Ports of the loopback that nobody holds right now, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in names]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}


def plain(url: str) -> str:
    """SQLAlchemy's URL as psycopg itself reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def laid(peers: tuple[str, ...]) -> Iterator[Ground]:
    """Servers started and migrated; on leaving, all ended and the folder removed."""
    account = places.server_account()
    tools = places.servers_root(VAR, account) / "tools"
    home = Path(tempfile.mkdtemp(prefix="tb-bench-"))
    home.chmod(0o711 if account else 0o700)
    try:
        database = postgres.prepare(home / "postgres", postgres.find(tools), account=account)
        cache = redis.prepare(home / "redis", redis.find(tools), account=account)
        with Supervisor([database.child(), cache.child()], logs=home / "logs") as supervisor:
            database.furnish()
            ports = free_ports(("http", "internal", "sandbox", "upstream", *peers))
            settings = _settings(home, ports, _addresses(database, cache))
            ground = Ground(home, settings, ports, plain(database.url(postgres.SUPERUSER)), supervisor)
            for name in ("postgres", "redis"):
                ground.note(name)
            ground.run(*house.COMMANDS["migrate"])
            yield ground
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _addresses(database: postgres.Postgres, cache: redis.Redis) -> dict[str, str]:
    return {
        "DATABASE_URL": database.url(postgres.APP),
        "DATABASE_OWNER_URL": database.url(postgres.OWNER),
        "DATABASE_AUDITOR_URL": database.url(postgres.AUDITOR),
        "REDIS_URL": cache.url(),
        "BROKER_URL": cache.broker_url(),
    }


def _settings(home: Path, ports: Mapping[str, int], servers: Mapping[str, str]) -> dict[str, str]:
    """The demo's recipe with our addresses; only the upstream is one more that may be called."""
    told = Given(ports["http"], ports["internal"], ports["sandbox"], once=True, servers=servers)
    settings = recipe.fresh_secrets() | recipe.addresses(told, servers)
    settings["TB_VAR_DIR"] = str(home / "app")
    settings["TB_EGRESS_EXCEPTIONS"] += f",127.0.0.1:{ports['upstream']}"
    (home / "app").mkdir(exist_ok=True)
    return settings


def bench_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """What the bench's own programs and the peers see: nothing of the application's settings."""
    return house.environment({}) | {"PYTHONPATH": str(ROOT)} | dict(extra)


def same_machine() -> dict[str, object]:
    """What the figures were measured on."""
    kernel = os.uname()
    return {"cpus": os.cpu_count(), "kernel": f"{kernel.sysname} {kernel.release} {kernel.machine}",
            "python": sys.version.split()[0]}  # fmt: skip
