"""The suite's PostgreSQL and Redis: embedded ones by default, the given ones where the environment names them.

Addresses are known before anything starts, so that settings can be read at import; `start()` makes them true. Each
xdist worker has its own. Only what was started here is stopped, only what was made here is dropped.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from sqlalchemy import make_url

from app.core import db
from app.migrations import run as migrations
from app.stack import places
from app.stack import postgres as embedded_postgres
from app.stack import redis as embedded_redis
from app.stack.supervisor import Child, Supervisor
from tests.support.wait import until

VAR = Path(__file__).resolve().parents[2] / "var"
REDIS_DATABASES = 16  # redis.conf's default
LOCK_TIMEOUT_MS = 10_000

# A size above zero says "somebody wrote here since the last truncation", whatever row-level security shows us.
WRITTEN = """
SELECT string_agg(format('%%I.%%I', n.nspname, c.relname), ', ')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname = 'public' AND pg_relation_size(c.oid) > 0 AND c.relname <> ALL(%s)
"""


class MissingServerError(Exception):
    """Something the suite needs is not there; the text says how to get it. It is an error, never a skip."""


@dataclass(frozen=True)
class Addresses:
    """What settings are told."""

    database: str
    owner: str
    auditor: str
    redis: str
    broker: str
    var: str


class Servers:
    """Both servers of one test process."""

    def __init__(self, environment: Mapping[str, str], worker: str) -> None:
        # Named now, made in start(): a run that needs no server leaves nothing behind.
        self._home = Path(tempfile.gettempdir()) / f"tb-{os.getpid()}-{secrets.token_hex(3)}"
        self._database = _database(environment, worker, self._home)
        self._redis = _redis(environment, worker, self._home)
        self._supervisor: Supervisor | None = None
        self.addresses = Addresses(*self._database.urls(), *self._redis.urls(), str(self._home / "var"))

    def start(self) -> None:
        children = [child for part in (self._database, self._redis) for child in part.children()]
        if children:
            self._supervisor = Supervisor(children, logs=self._home / "logs")
            self._supervisor.start()
        self._database.migrate()

    def clean(self) -> None:
        """As after the migrations: no rows, no keys of ours."""
        self._database.clean()
        self._redis.clean()

    def pid(self, name: str) -> int | None:
        """The pid of an embedded server (`postgres`, `redis`), None if it is a given one."""
        return self._supervisor.pid(name) if self._supervisor is not None else None

    def stop(self) -> None:
        self._database.close()
        self._redis.close()
        if self._supervisor is not None:
            self._supervisor.stop()
        shutil.rmtree(self._home, ignore_errors=True)


class _Database:
    """What the embedded and the given database share: migrating and cleaning."""

    cleaner_url: str
    owner_url: str

    def __init__(self) -> None:
        self._cleaner: psycopg.Connection | None = None
        self._kept: list[str] = ["alembic_version"]

    def migrate(self) -> None:
        migrations.upgrade(self.owner_url)
        self._cleaner = psycopg.connect(plain(self.cleaner_url), autocommit=True)
        self._cleaner.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        # Rows a migration itself laid down are part of the schema.
        seeded = self._written(self._cleaner)
        self._kept += [name.removeprefix("public.") for name in seeded.split(", ") if name]

    def clean(self) -> None:
        if self._cleaner is None:
            raise MissingServerError("the servers are not started: ask for the fixture `servers` or `db_clean`")
        written = self._written(self._cleaner)
        if not written:
            return
        try:
            self._cleaner.execute(f"TRUNCATE {written} RESTART IDENTITY CASCADE")
        except psycopg.errors.LockNotAvailable as error:
            raise MissingServerError("an earlier test left a transaction open; end it there") from error

    def _written(self, connection: psycopg.Connection) -> str:
        row = connection.execute(WRITTEN, [self._kept]).fetchone()
        return (row[0] if row else None) or ""

    def close(self) -> None:
        if self._cleaner is not None:
            self._cleaner.close()


class _EmbeddedDatabase(_Database):
    def __init__(self, home: Path) -> None:
        super().__init__()
        self._home = home
        self._roles = embedded_postgres.Postgres(Path(), Path(), home / "postgres" / "run", None)
        self.cleaner_url = self._roles.url(embedded_postgres.SUPERUSER)
        self.owner_url = self._roles.url(embedded_postgres.OWNER)
        self._server: embedded_postgres.Postgres | None = None

    def urls(self) -> tuple[str, str, str]:
        return (self._roles.url(embedded_postgres.APP), self.owner_url, self._roles.url(embedded_postgres.AUDITOR))

    def children(self) -> Iterable[Child]:
        account, tools = ground(self._home)
        self._server = embedded_postgres.prepare(
            self._home / "postgres", embedded_postgres.find(tools), account=account, fast=True
        )
        return [self._server.child()]

    def migrate(self) -> None:
        if self._server is not None:
            self._server.furnish()
        super().migrate()


class _GivenDatabase(_Database):
    """A database of our own on the given server, so that nobody's rows are in reach."""

    def __init__(self, environment: Mapping[str, str], worker: str) -> None:
        super().__init__()
        owner = environment.get("DATABASE_OWNER_URL")
        if not owner:
            raise MissingServerError(
                "DATABASE_URL is set: set DATABASE_OWNER_URL too, to a role that may create databases "
                "(and DATABASE_AUDITOR_URL), or unset DATABASE_URL to use the embedded PostgreSQL",
            )
        given = environment["DATABASE_URL"]
        self._name = f"{make_url(owner).database}_{worker}_{os.getpid()}"
        self._maintenance = owner
        self._urls = tuple(
            make_url(url).set(database=self._name).render_as_string(hide_password=False)
            for url in (given, owner, environment.get("DATABASE_AUDITOR_URL") or given)
        )
        self.owner_url = self.cleaner_url = self._urls[1]

    def urls(self) -> tuple[str, ...]:
        return self._urls

    def children(self) -> Iterable[Child]:
        return []

    def migrate(self) -> None:
        with psycopg.connect(plain(self._maintenance), autocommit=True) as connection:
            roles = (embedded_postgres.APP, embedded_postgres.AUDITOR)
            known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            if missing := [role for role in roles if role not in known]:
                raise MissingServerError(f"the given PostgreSQL lacks the roles {missing}: CREATE ROLE ... LOGIN")
            connection.execute(f'CREATE DATABASE "{self._name}"')
        super().migrate()

    def close(self) -> None:
        made = self._cleaner is not None
        if db.engine.cache_info().currsize:
            db.engine().dispose()
        super().close()
        if made:
            with psycopg.connect(plain(self._maintenance), autocommit=True) as connection:
                until(lambda: self._dropped(connection), "the end of every session on the tests' own database")

    def _dropped(self, connection: psycopg.Connection) -> bool:
        # FORCE would end the application's sessions too, but the owner may not end another role's.
        try:
            connection.execute(f'DROP DATABASE "{self._name}"')
        except psycopg.errors.ObjectInUse:
            return False
        return True


class _Redis:
    """What the embedded and the given Redis share: cleaning."""

    def __init__(self, state: str, broker: str) -> None:
        self._state, self._broker = state, broker

    def urls(self) -> tuple[str, str]:
        return (self._state, self._broker)

    def children(self) -> Iterable[Child]:
        return []

    def clean(self) -> None:
        with redis.Redis.from_url(self._state) as client:
            for key in client.scan_iter("tb:*", count=500):
                client.delete(key)

    def close(self) -> None:
        return


class _EmbeddedRedis(_Redis):
    def __init__(self, home: Path) -> None:
        self._home = home
        server = embedded_redis.Redis(Path(), Path(), home / "redis" / "run" / embedded_redis.SOCKET_NAME, None)
        super().__init__(server.url(), server.broker_url())

    def children(self) -> Iterable[Child]:
        account, tools = ground(self._home)
        server = embedded_redis.prepare(self._home / "redis", embedded_redis.find(tools), account=account, fast=True)
        return [server.child()]


def _database(environment: Mapping[str, str], worker: str, home: Path) -> _EmbeddedDatabase | _GivenDatabase:
    return _GivenDatabase(environment, worker) if environment.get("DATABASE_URL") else _EmbeddedDatabase(home)


def _redis(environment: Mapping[str, str], worker: str, home: Path) -> _Redis:
    given = environment.get("REDIS_URL")
    if not given:
        return _EmbeddedRedis(home)
    # A pair of databases for each worker: state and broker.
    pair = 2 * int(worker.removeprefix("gw") or 0) if worker.startswith("gw") else 0
    base = given.partition("?")[0].rstrip("/")
    base = base.rpartition("/")[0] if base.rpartition("/")[2].isdigit() else base
    if given.startswith("unix:"):
        broker = f"redis+socket:{base.removeprefix('unix:')}?virtual_host={(pair + 1) % REDIS_DATABASES}"
        return _Redis(f"{base}?db={pair % REDIS_DATABASES}", broker)
    return _Redis(f"{base}/{pair % REDIS_DATABASES}", f"{base}/{(pair + 1) % REDIS_DATABASES}")


def ground(home: Path) -> tuple[places.Account | None, Path]:
    """The account servers run as, and the tools folder it can reach; makes `home` walkable for it."""
    account = places.server_account()
    if not home.is_dir():
        home.mkdir(mode=0o711 if account else 0o700)
        home.chmod(0o711 if account else 0o700)
    return account, places.servers_root(VAR, account) / "tools"


def plain(url: str) -> str:
    """SQLAlchemy's URL as psycopg itself reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
