"""Accounts: one openid in one mini-program, and the citizen it stands for.

Who somebody is comes from the channel's own answer alone, never from a request (security.md L2, L3).
"""

from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, crypto
from app.core.ids import new_id
from app.platforms.base import ChannelIdentity
from identity.models import Account, Citizen

TABLE = "accounts"


@dataclass(frozen=True)
class Reachable:
    """An account a message could go to."""

    account_id: str
    channel: str
    app_id: str


def sign_in(db: Session, channel: str, app_id: str, who: ChannelIdentity) -> Account:
    """The account of this openid in this app, made on first sight with an empty citizen; locked until the commit."""
    account = _find(db, channel, app_id, who.openid)
    if account is None:
        _make(db, channel, app_id, who.openid)
        account = _find(db, channel, app_id, who.openid)
    if account is None:
        raise RuntimeError("an account just inserted was not found")
    account.last_login_at = clock.now()
    account.session_key_sealed = who.session_key and _seal(account.id, "session_key_sealed", who.session_key)
    db.flush()
    return account


def lock(db: Session, account_id: str) -> Account:
    """The account, held until the commit: what one account does to its identity happens one after another."""
    return db.scalars(
        select(Account).where(Account.id == account_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def openid_of(db: Session, account_id: str) -> str:
    """The openid in the clear, for a call to the account's own channel."""
    account = db.scalars(select(Account).where(Account.id == account_id)).one()
    return crypto.unseal(account.openid_sealed, table=TABLE, column="openid_sealed", row_id=account.id)


def by_openid(db: Session, channel: str, app_id: str, openid: str) -> Account | None:
    """Who a channel's callback speaks of."""
    return db.scalars(_named(channel, app_id, openid)).one_or_none()


def reachable(db: Session, citizen_id: str) -> list[Reachable]:
    """The accounts of a citizen, the one used last first."""
    rows = db.scalars(select(Account).where(Account.citizen_id == citizen_id).order_by(Account.last_login_at.desc()))
    return [Reachable(row.id, row.channel, row.app_id) for row in rows]


def new_citizen(db: Session) -> Citizen:
    """Somebody we know nothing of yet."""
    citizen = Citizen(id=new_id("cz"), holder=False, created_at=clock.now())
    db.add(citizen)
    db.flush()
    return citizen


def _find(db: Session, channel: str, app_id: str, openid: str) -> Account | None:
    return db.scalars(
        _named(channel, app_id, openid).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()


def _named(channel: str, app_id: str, openid: str) -> Select[Account]:
    indexes = crypto.blind_indexes("openid", _name(channel, app_id, openid))
    return select(Account).where(
        Account.channel == channel, Account.app_id == app_id, Account.openid_index.in_(indexes)
    )


def _make(db: Session, channel: str, app_id: str, openid: str) -> None:
    # Two first logins at once: the second one's insert waits for the first and then does nothing.
    account_id, now = new_id("ac"), clock.now()
    db.execute(
        insert(Account)
        .values(
            id=account_id, tenant_id="province", channel=channel, app_id=app_id,
            openid_index=crypto.blind_index("openid", _name(channel, app_id, openid)),
            openid_sealed=_seal(account_id, "openid_sealed", openid),
            citizen_id=new_citizen(db).id, created_at=now, last_login_at=now,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip


def _name(channel: str, app_id: str, openid: str) -> str:
    return f"{channel}|{app_id}|{openid}"


def _seal(account_id: str, column: str, plain: str) -> str:
    return crypto.seal(plain, table=TABLE, column=column, row_id=account_id)
