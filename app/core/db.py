"""The database: one engine, one `transaction()`, tenant-scoped, never open across the network.

The application connects as role app (no BYPASSRLS). Every table has a tenant_id and a row-level security policy that
reads the setting `tb.tenant`, which `transaction()` sets for itself and which dies with it: a forgotten filter shows
nothing of another tenant, and a query outside a transaction shows nothing at all.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Engine,
    LargeBinary,
    Text,
    create_engine,
    delete,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from app.core.log import get_log
from config.settings import get_settings

log = get_log("db")

PROVINCE = "province"  # the tenant of everything that belongs to citizens and the platform itself
ALL_TENANTS = "*"  # sweepers, callbacks and other work that has no caller
STATEMENT_TIMEOUT_MS = 10_000
PURGE_BATCH = 5_000
# A server behind a dropped route says nothing, not even that a statement took too long; without these the system waits
# for a quarter of an hour. Seconds and milliseconds, as libpq takes them; a unix socket does not heed the second.
SILENCE = {"connect_timeout": 5, "tcp_user_timeout": 15_000}

_open: ContextVar[Session | None] = ContextVar("open_transaction", default=None)
_AFTER = "after_commit_acts"
_NO_SYNC = {"synchronize_session": False}


class Base(DeclarativeBase):
    """Declarative base; the type map keeps models free of dialect words."""

    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads this class attribute
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        str: Text,
        bytes: LargeBinary,
    }


class Tenanted:
    """Every table's tenant; row-level security compares it with the transaction's."""

    tenant_id: Mapped[str] = mapped_column(default=PROVINCE)


@lru_cache(maxsize=1)
def engine() -> Engine:
    settings = get_settings()
    made = create_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args=SILENCE,
        hide_parameters=True,  # parameters are personal data; an error message must not carry them
    )
    event.listen(made, "connect", _on_connect)
    return made


def _on_connect(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}; SET timezone = 'UTC'")
    connection.commit()


def in_transaction() -> bool:
    return _open.get() is not None


@contextmanager
def transaction(tenant: str = PROVINCE) -> Iterator[Session]:
    """One unit of work: commits at the end, rolls back on any exception, then runs what `after_commit` gathered.

    Nesting is a bug (two commits where the caller believes in one) and raises RuntimeError.
    """
    if in_transaction():
        raise RuntimeError("a transaction is already open in this context")
    with Session(engine(), expire_on_commit=False) as db:
        token = _open.set(db)
        try:
            db.execute(text("SELECT set_config('tb.tenant', :tenant, true)"), {"tenant": tenant})
            db.info["tenant"] = tenant
            yield db
            db.commit()
        except BaseException:
            db.rollback()
            raise
        finally:
            _open.reset(token)
        _run_after(db.info.get(_AFTER, ()))


def _run_after(acts: Sequence[Callable[[], None]]) -> None:
    """What happened has happened: a wake-up that fails must neither deny it to the caller nor hold a tombstone back."""
    for act in acts:
        try:
            act()
        except Exception as error:  # whatever it was, every act here has a sweep behind it
            log.error("after_commit_failed", exc_info=error)  # noqa: TRY400  the log takes the class and the place


def after_commit(db: Session, act: Callable[[], None]) -> None:
    """Run `act` once the open transaction has committed; never if it does not. What it raises is logged, no more."""
    db.info.setdefault(_AFTER, []).append(act)


def tenant_of(db: Session) -> str:
    """The tenant new rows of this transaction belong to; work for all tenants writes as the province."""
    tenant: str = db.info["tenant"]
    return PROVINCE if tenant == ALL_TENANTS else tenant


def purge(model: type[Base], *where: ColumnElement[bool]) -> int:
    """Delete the rows of every tenant that meet `where`, PURGE_BATCH a transaction; returns how many.

    In one statement a backlog would meet the statement's time limit, be rolled back, and be larger the next time.
    """
    key = inspect(model).primary_key[0]
    gone = 0
    while True:
        with transaction(ALL_TENANTS) as db:
            portion = select(key).where(*where).limit(PURGE_BATCH)
            done = len(
                db.execute(delete(model).where(key.in_(portion)).returning(key), execution_options=_NO_SYNC).all()
            )
        gone += done
        if done < PURGE_BATCH:
            return gone


def is_reachable() -> bool:
    """For /readyz: one round trip on a pooled connection."""
    with engine().connect() as connection:
        return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)
