"""Consent: who agreed to which text, when, for whom (security.md V7, D7). Append-only; a purpose's newest row holds.

`require` is called inside the transaction that creates what the consent allows, and holds the account against a
withdrawal until its commit. Other rooms bring texts of their own (a service's declared fields) by `offer`.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.db import transaction
from app.core.errors import Problem
from app.core.ids import new_id
from app.core.principal import Principal
from config.consents import CURRENT, ConsentText
from identity import accounts
from identity.models import Account, Consent

PURPOSE_FORM: Final = re.compile(r"[a-z_]{2,32}(:[a-z0-9_]{2,64})?")
ACCEPT: Final = {"method": "POST", "href": "/v1/me/consents"}

Source = Callable[[str], ConsentText | None]
Withdrawn = Callable[[Session, str, str], None]
_sources: dict[str, Source] = {}
_listeners: list[Withdrawn] = []


def offer(prefix: str, source: Source) -> None:
    """Purposes `<prefix>:<anything>` have the text that `source(purpose)` answers; None: there is no such purpose."""
    _sources[prefix] = source


def on_withdrawal(act: Withdrawn) -> None:
    """Run `act(db, account_id, purpose)` inside every withdrawal's transaction."""
    if act not in _listeners:
        _listeners.append(act)


def text_of(purpose: str) -> ConsentText | None:
    """The text people must have accepted for this purpose today."""
    if purpose in CURRENT:
        return CURRENT[purpose]
    source = _sources.get(purpose.partition(":")[0])
    return source(purpose) if source is not None else None


def give(principal: Principal, purpose: str, text_version: str) -> Consent:
    """Record a consent to the current text. Raises Problem not_found (no such purpose) or consent_outdated."""
    text = text_of(purpose)
    if text is None:
        raise Problem("not_found")
    if text.version != text_version:
        raise Problem("consent_outdated", detail=_named(text))
    with transaction() as db:
        return _append(db, principal, text, given=True)


def withdraw(principal: Principal, purpose: str) -> None:
    """Record a withdrawal; what was waiting on this consent stops with the commit. Raises Problem not_found."""
    if not PURPOSE_FORM.fullmatch(purpose):
        raise Problem("not_found")
    with transaction() as db:
        accounts.lock(db, principal.account_id)
        row = newest(db, principal.account_id, purpose)
        if row is None or not row.given:
            raise Problem("not_found")
        text = ConsentText(purpose, row.text_version, row.recipient, "", "")
        _append(db, principal, text, given=False, digest=row.text_hash)
        for act in _listeners:
            act(db, principal.account_id, purpose)


def require(db: Session, account_id: str, purpose: str) -> str:
    """The id of the standing consent to the current text. Raises Problem consent_required.

    The lock keeps a withdrawal waiting until the commit, so that it is either before this transaction or after it.
    """
    db.execute(select(Account.id).where(Account.id == account_id).with_for_update(read=True))
    row, text = newest(db, account_id, purpose), text_of(purpose)
    if text is None or row is None or not row.given or row.text_hash != text.digest:
        raise Problem("consent_required", detail=_named(text, purpose))
    return row.id


def newest(db: Session, account_id: str, purpose: str, at: datetime | None = None) -> Consent | None:
    """The row that holds now, or held at an instant of the past."""
    query = select(Consent).where(Consent.account_id == account_id, Consent.purpose == purpose)
    if at is not None:
        query = query.where(Consent.at <= at)
    return db.scalars(query.order_by(Consent.seq.desc()).limit(1)).one_or_none()


def standing(db: Session, account_id: str) -> Sequence[Consent]:
    """The newest row of every purpose this account ever answered."""
    return db.scalars(
        select(Consent)
        .where(Consent.account_id == account_id)
        .ext(distinct_on(Consent.purpose))
        .order_by(Consent.purpose, Consent.seq.desc())
    ).all()


def _append(db: Session, principal: Principal, text: ConsentText, *, given: bool, digest: str | None = None) -> Consent:
    row = Consent(
        id=new_id("cn"), account_id=principal.account_id, citizen_id=principal.citizen_id, purpose=text.purpose,
        text_version=text.version, text_hash=digest or text.digest, recipient=text.recipient,
        channel=principal.channel, given=given, at=clock.now(),
    )  # fmt: skip
    db.add(row)
    db.flush()
    audit.record(
        db, actor=principal.actor, act="consent.give" if given else "consent.withdraw", object_id=row.id,
        outcome="done", detail={"purpose": text.purpose, "text_version": text.version},
    )  # fmt: skip
    return row


def _named(text: ConsentText | None, purpose: str = "") -> dict[str, object]:
    if text is None:
        return {"purpose": purpose}
    body = {"purpose": text.purpose, "text_version": text.version}
    # A service's text is made from its manifest and stands on no list: who is asked to accept it is shown it here.
    words = {"recipient": text.recipient, "zh": text.zh, "en": text.en}
    return {**body, "text": words, "start": {**ACCEPT, "body": body}}
