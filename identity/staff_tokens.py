"""Personal tokens of staff: minted once, kept as a hash, bounded in time and scope, revoked at once (security.md O5).

`principal_from` reads the row on every call, so a suspended account, a suspended organisation, a narrowed role or a
revoked token count from their commit on, on every worker. Called by staff_proof.py and staff.py.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.db import ALL_TENANTS, transaction
from app.core.errors import FieldError, Problem
from app.core.ids import new_id
from app.core.principal import StaffPrincipal
from config.staff import LIVE_TOKENS, SCOPES, TOKEN_DAYS, TOKEN_MOST_DAYS, TOKEN_PREFIX
from identity.staff_models import Organisation, Staff, StaffToken

FORM: Final = re.compile(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{43}}")  # 256 bits in base64url
BITS: Final = 256
NOTED_EVERY: Final = timedelta(minutes=1)  # last_used_at is for people; a write a minute is enough for them


@dataclass(frozen=True)
class Minted:
    """A token that was just made: the only moment at which its text exists here."""

    token_id: str
    text: str = field(repr=False)
    scopes: tuple[str, ...]
    expires_at: datetime


def hashed(text: str) -> str:
    """256 random bits need no salt and no slow hash: there is nothing to guess."""
    return sha256(text.encode()).hexdigest()


def mint(db: Session, account: Staff, *, scopes: Sequence[str] | None, days: int | None, actor: str) -> Minted:
    """A new token for this account, whose row the caller has locked: two terminals at once must not make three tokens.

    Raises Problem invalid_fields (scopes, days) or tokens_enough (two live ones).
    """
    at = clock.now()
    chosen = _scopes(account.role, scopes)
    lifetime = _lifetime(days)
    if _live(db, account.id, at) >= LIVE_TOKENS:
        raise Problem("tokens_enough")
    text = TOKEN_PREFIX + secrets.token_urlsafe(BITS // 8)
    row = StaffToken(
        id=new_id("tk"), tenant_id=account.tenant_id, staff_id=account.id, token_hash=hashed(text),
        scopes=list(chosen), created_at=at, expires_at=at + lifetime,
    )  # fmt: skip
    db.add(row)
    audit.record(
        db, actor=actor, act="staff.token_issued", object_id=row.id, outcome="done",
        detail={"staff_id": account.id, "scopes": " ".join(chosen)},
    )  # fmt: skip
    return Minted(row.id, text, chosen, row.expires_at)


def _scopes(role: str, wanted: Sequence[str] | None) -> tuple[str, ...]:
    allowed = SCOPES[role]
    if wanted is None:
        return allowed
    if not wanted or not set(wanted) <= set(allowed):
        raise Problem("invalid_fields", errors=[FieldError("scopes", "choice")])
    return tuple(scope for scope in allowed if scope in wanted)


def _lifetime(days: int | None) -> timedelta:
    chosen = TOKEN_DAYS if days is None else days
    if not 1 <= chosen <= TOKEN_MOST_DAYS:
        raise Problem("invalid_fields", errors=[FieldError("days", "range")])
    return timedelta(days=chosen)


def _live(db: Session, staff_id: str, at: datetime) -> int:
    return db.scalars(
        select(func.count())
        .select_from(StaffToken)
        .where(StaffToken.staff_id == staff_id, StaffToken.revoked_at.is_(None), StaffToken.expires_at > at)
    ).one()


def revoke(token_id: str, *, actor: str) -> None:
    """Dead from the commit on. Raises Problem not_found when there is no live token of this id."""
    with transaction(ALL_TENANTS) as db:
        done = db.execute(
            update(StaffToken)
            .where(StaffToken.id == token_id, StaffToken.revoked_at.is_(None))
            .values(revoked_at=clock.now())
            .returning(StaffToken.staff_id)
        ).first()
        if done is None:
            raise Problem("not_found")
        audit.record(
            db, actor=actor, act="staff.token_revoked", object_id=token_id, outcome="done",
            detail={"staff_id": done[0]},
        )  # fmt: skip


def principal_from(text: str) -> StaffPrincipal | None:
    """The member of staff this token proves, or None for every reason alike."""
    if not FORM.fullmatch(text):
        return None
    at = clock.now()
    with transaction(ALL_TENANTS) as db:
        found = _find(db, hashed(text), at)
        if found is None:
            return None
        token, account = found[0], found[1]
        _note_use(db, token.id, at)
    return StaffPrincipal(
        staff_id=account.id,
        human_id=account.human_id,
        organisation_id=account.organisation_id,
        tenant_id=account.tenant_id,
        roles=frozenset({account.role}),
        scopes=frozenset(token.scopes) & frozenset(SCOPES[account.role]),
    )


def _find(db: Session, token_hash: str, at: datetime) -> "Row[StaffToken, Staff] | None":
    return db.execute(
        select(StaffToken, Staff)
        .join(Staff, Staff.id == StaffToken.staff_id)
        .join(Organisation, Organisation.id == Staff.organisation_id)
        .where(
            StaffToken.token_hash == token_hash,
            StaffToken.revoked_at.is_(None),
            StaffToken.expires_at > at,
            Staff.state == "active",
            Organisation.state == "active",
        )
    ).first()


def _note_use(db: Session, token_id: str, at: datetime) -> None:
    db.execute(
        update(StaffToken)
        .where(
            StaffToken.id == token_id,
            or_(StaffToken.last_used_at.is_(None), StaffToken.last_used_at < at - NOTED_EVERY),
        )
        .values(last_used_at=at)
        .execution_options(synchronize_session=False)
    )
