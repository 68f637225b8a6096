"""Citizens' sessions: opaque tokens, true in SQL, hot in Redis (identity/hot.py), ended at once everywhere.

A token is 256 random bits; only its SHA-256 is kept. Idle and absolute lifetimes are in SQL: an emptied Redis ends no
session and revives none. Whoever changes what a session may do (levels, citizen, end) calls `bump` or `end` inside the
transaction of the change; Redis is told after the commit, and told again by a sweep in case it was away.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.db import after_commit, purge, transaction
from app.core.errors import Problem
from app.core.ids import new_id
from app.core.principal import Principal
from config.assurance import REAL_PERSON
from config.settings import get_settings
from identity import evidence, hot
from identity.models import Account, LoginSession

TOKEN_FORM: Final = re.compile(r"tbs_[A-Za-z0-9_-]{43}")
TOKEN_BYTES: Final = 32
SWEEP: Final = 500
KEPT_FOR: Final = timedelta(days=30)


@dataclass(frozen=True)
class NewSession:
    """The only place where the token itself exists."""

    token: str
    session: LoginSession
    levels: dict[int, datetime]


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def start(db: Session, account: Account) -> NewSession:
    """A new session; the account's earlier ones end here (L4). The caller holds the account's row lock."""
    end(db, [row.id for row in _live_of_account(db, account.id)], "replaced")
    token, now, settings = "tbs_" + secrets.token_urlsafe(TOKEN_BYTES), clock.now(), get_settings()
    row = LoginSession(
        id=new_id("ss"), token_hash=hash_of(token), account_id=account.id, citizen_id=account.citizen_id,
        channel=account.channel, app_id=account.app_id, created_at=now, last_seen_at=now,
        idle_until=now + timedelta(seconds=settings.session_idle_s),
        expires_at=now + timedelta(seconds=settings.session_absolute_s), reason="", version=1, published=1,
    )  # fmt: skip
    db.add(row)
    db.flush()
    levels = evidence.levels_of(db, account.id, account.citizen_id)
    _publish_after(db, [_copy(row, levels)])
    return NewSession(token, row, levels)


def principal_of(token: str) -> Principal | None:
    """Who stands behind a token, from Redis or SQL; None for every reason it may be dead."""
    if not TOKEN_FORM.fullmatch(token):
        return None
    token_hash = hash_of(token)
    found = hot.look(token_hash, get_settings().session_idle_s)
    if found.dead:
        return None
    if found.principal is None:
        return read_through(token_hash)
    if found.tell_sql:
        touch(token_hash)
    return found.principal


def read_through(token_hash: str) -> Principal | None:
    """From SQL, leaving a hot copy or a tombstone for the next one who asks."""
    with transaction() as db:
        row = db.scalars(select(LoginSession).where(LoginSession.token_hash == token_hash)).one_or_none()
        if row is None:
            return None
        alive = _is_alive(row, clock.now())
        levels = evidence.levels_of(db, row.account_id, row.citizen_id) if alive else {}
        if alive and clock.now() - row.last_seen_at >= timedelta(seconds=hot.SEEN_S):
            _touch(db, row)
    if not alive:
        hot.bury(token_hash, row.expires_at)
        return None
    copy = _copy(row, levels)
    hot.put(copy)
    return copy.principal()


def touch(token_hash: str) -> None:
    """Tell SQL that the session is in use, so that its idle lifetime outlives an emptied Redis."""
    with transaction() as db:
        row = db.scalars(select(LoginSession).where(LoginSession.token_hash == token_hash)).one_or_none()
        if row is not None and row.ended_at is None:
            _touch(db, row)


def visible_to(db: Session, principal: Principal) -> Sequence[LoginSession]:
    """The live sessions a citizen may see and end: at L3 all of the person's, below that this account's alone."""
    own = LoginSession.citizen_id == principal.citizen_id
    if principal.level < REAL_PERSON:
        own = LoginSession.account_id == principal.account_id
    now = clock.now()
    live = (LoginSession.ended_at.is_(None), LoginSession.expires_at > now, LoginSession.idle_until > now)
    return db.scalars(select(LoginSession).where(own, *live).order_by(LoginSession.id.desc())).all()


def end(db: Session, session_ids: Sequence[str], reason: str) -> int:
    """End these sessions with the open transaction; tombstones follow its commit."""
    ended = db.execute(
        update(LoginSession)
        .where(LoginSession.id.in_(session_ids), LoginSession.ended_at.is_(None))
        .values(ended_at=clock.now(), reason=reason, version=LoginSession.version + 1)
        .returning(LoginSession.token_hash, LoginSession.expires_at)
        .execution_options(synchronize_session=False)
    ).all()
    after_commit(db, partial(_bury_all, [(row[0], row[1]) for row in ended]))
    return len(ended)


def end_visible(principal: Principal, session_id: str) -> None:
    """End one session the citizen may see; one of somebody else is as unknown as one that never was."""
    with transaction() as db:
        if session_id not in {row.id for row in visible_to(db, principal)}:
            raise Problem("not_found")
        reason = "logged_out" if session_id == principal.session_id else "ended_elsewhere"
        end(db, [session_id], reason)
        audit.record(
            db, actor=principal.actor, act="session.end", object_id=session_id, outcome="done",
            detail={"reason": reason},
        )  # fmt: skip


def forget_ended() -> None:
    """Purge sessions that ended or lapsed a month ago; the audit keeps that they were."""
    purge(LoginSession, LoginSession.expires_at < clock.now() - KEPT_FOR)


def bump(db: Session, account: Account) -> None:
    """The account's levels or citizen changed: its live sessions say so from the commit on."""
    rows = db.scalars(
        update(LoginSession)
        .where(LoginSession.account_id == account.id, LoginSession.ended_at.is_(None))
        .values(version=LoginSession.version + 1, citizen_id=account.citizen_id)
        .returning(LoginSession)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).all()
    levels = evidence.levels_of(db, account.id, account.citizen_id)
    _publish_after(db, [_copy(row, levels) for row in rows])


def publish_untold() -> int:
    """Sweep: repeat to Redis every change it may have missed while it was away. Returns how many were repeated."""
    with transaction() as db:
        rows = db.scalars(
            select(LoginSession)
            .where(LoginSession.version != LoginSession.published, LoginSession.expires_at > clock.now())
            .limit(SWEEP)
        ).all()
        copies = [_copy(row, evidence.levels_of(db, row.account_id, row.citizen_id)) for row in rows]
    told = [row for row, copy in zip(rows, copies, strict=True) if _publish(row, copy)]
    with transaction() as db:
        for row in told:
            db.execute(
                update(LoginSession)
                .where(LoginSession.id == row.id, LoginSession.version == row.version)
                .values(published=row.version)
            )
    return len(told)


def _publish(row: LoginSession, copy: hot.Copy) -> bool:
    return hot.bury(row.token_hash, row.expires_at) if row.ended_at is not None else hot.put(copy)


def _publish_after(db: Session, copies: Sequence[hot.Copy]) -> None:
    after_commit(db, partial(_put_all, copies))


def _put_all(copies: Sequence[hot.Copy]) -> None:
    for copy in copies:
        hot.put(copy)


def _bury_all(dead: Sequence[tuple[str, datetime]]) -> None:
    for token_hash, expires_at in dead:
        hot.bury(token_hash, expires_at)


def _live_of_account(db: Session, account_id: str) -> Sequence[LoginSession]:
    return db.scalars(
        select(LoginSession).where(LoginSession.account_id == account_id, LoginSession.ended_at.is_(None))
    ).all()


def _is_alive(row: LoginSession, now: datetime) -> bool:
    return row.ended_at is None and now < row.idle_until and now < row.expires_at


def _touch(db: Session, row: LoginSession) -> None:
    now = clock.now()
    row.last_seen_at = now
    row.idle_until = now + timedelta(seconds=get_settings().session_idle_s)
    db.flush()


def _copy(row: LoginSession, levels: dict[int, datetime]) -> hot.Copy:
    return hot.Copy(
        row.token_hash, row.id, row.account_id, row.citizen_id, row.channel, row.app_id, levels, row.version,
        row.idle_until, row.expires_at,
    )  # fmt: skip
