"""Tables of citizens: who they are, through which accounts they come, and how surely each account proved it.

Personal data stands sealed (columns `*_sealed`, bound to their row) and is found by blind index (`*_index`); nothing
here is ever logged or serialised as it is. Staff and organisations have their own tables (staff_models.py).
"""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted
from app.core.leases import Leased


class Citizen(Tenanted, Base):
    """cz_. A person as far as we know one. Every new account starts with an empty one of its own.

    `holder`: somebody proved at L3 to be this person; at most one holder a number, and later accounts that prove the
    same join it. `merged_into` is where the account of a joined stub went.
    """

    __tablename__ = "citizens"
    __table_args__ = (
        Index("citizens_holder", "subject_index", unique=True, postgresql_where="holder"),
        Index("citizens_subject", "subject_index"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    name_sealed: Mapped[str | None] = mapped_column(default=None)
    id_number_sealed: Mapped[str | None] = mapped_column(default=None)
    subject_index: Mapped[str | None] = mapped_column(default=None)
    subject_ref_sealed: Mapped[str | None] = mapped_column(default=None)
    holder: Mapped[bool] = mapped_column(default=False)
    merged_into: Mapped[str | None] = mapped_column(ForeignKey("citizens.id"), default=None)
    created_at: Mapped[datetime]


class Account(Tenanted, Base):
    """ac_. One openid in one mini-program: (channel, app, openid) is the key, never the openid alone."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("channel", "app_id", "openid_index"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    app_id: Mapped[str]
    openid_index: Mapped[str]
    openid_sealed: Mapped[str]
    session_key_sealed: Mapped[str | None] = mapped_column(default=None)
    citizen_id: Mapped[str] = mapped_column(ForeignKey("citizens.id"), index=True)
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime]


class LoginCode(Tenanted, Base):
    """A login code once seen, by SHA-256. The row is the burning: it is written before the code is exchanged."""

    __tablename__ = "login_codes"
    code_hash: Mapped[str] = mapped_column(primary_key=True)
    burnt_at: Mapped[datetime] = mapped_column(index=True)


class LoginSession(Tenanted, Base):
    """ss_. A session, by the SHA-256 of its token. `version` grows with every change that the hot copy must learn of;
    `published` is the version Redis is known to have been told.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index("sessions_live", "account_id", postgresql_where="ended_at is null"),
        Index("sessions_citizen", "citizen_id", postgresql_where="ended_at is null"),
        Index("sessions_untold", "expires_at", postgresql_where="version <> published"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    citizen_id: Mapped[str] = mapped_column(ForeignKey("citizens.id"))
    channel: Mapped[str]
    app_id: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    idle_until: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)
    published: Mapped[int] = mapped_column(default=1)


class Consent(Tenanted, Base):
    """cn_. One giving or withdrawing, never changed afterwards; the newest row of a purpose (`seq`) is what holds."""

    __tablename__ = "consents"
    __table_args__ = (Index("consents_newest", "account_id", "purpose", "seq"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    citizen_id: Mapped[str] = mapped_column(ForeignKey("citizens.id"))
    purpose: Mapped[str]
    text_version: Mapped[str]
    text_hash: Mapped[str]
    recipient: Mapped[str]
    channel: Mapped[str]
    given: Mapped[bool]
    at: Mapped[datetime]


class Verification(Tenanted, Base):
    """vf_. One attempt to prove identity, bound at creation to account, app, purpose, matter and identity (V2).

    Its id is also the flow id at the provider and the request key at the authority. States: verification.py.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        Index("verifications_unfinished", "account_id", postgresql_where="state in ('created', 'pending')"),
        Index("verifications_open", "expires_at", postgresql_where="state in ('created', 'pending', 'passed')"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    citizen_id: Mapped[str] = mapped_column(ForeignKey("citizens.id"))
    channel: Mapped[str]
    app_id: Mapped[str]
    method: Mapped[str]
    purpose: Mapped[str]
    matter_id: Mapped[str | None] = mapped_column(default=None)
    identity_index: Mapped[str]
    consent_id: Mapped[str] = mapped_column(ForeignKey("consents.id"))
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    can_retry: Mapped[bool] = mapped_column(default=False)
    provider_ref_sealed: Mapped[str | None] = mapped_column(default=None)
    live_at: Mapped[datetime | None] = mapped_column(default=None)
    check_ref_sealed: Mapped[str | None] = mapped_column(default=None)
    check_ref_index: Mapped[str | None] = mapped_column(default=None, index=True)
    created_at: Mapped[datetime]
    passed_at: Mapped[datetime | None] = mapped_column(default=None)
    consumed_at: Mapped[datetime | None] = mapped_column(default=None)
    consumed_by: Mapped[str | None] = mapped_column(default=None)
    expires_at: Mapped[datetime]


class VerificationPoll(Tenanted, Leased, Base):
    """When to ask the provider next about one verification, and who is asking: waiting -> running -> waiting | done."""

    __tablename__ = "verification_polls"
    __table_args__ = (Index("verification_polls_due", "next_at", postgresql_where="state in ('waiting', 'running')"),)
    id: Mapped[str] = mapped_column(ForeignKey("verifications.id"), primary_key=True)


class Evidence(Tenanted, Base):
    """ee_. What a passed verification was turned into, at most once: this account proved this level then."""

    __tablename__ = "evidence"
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    citizen_id: Mapped[str] = mapped_column(ForeignKey("citizens.id"))
    level: Mapped[int]
    method: Mapped[str]
    obtained_at: Mapped[datetime]
    verification_id: Mapped[str | None] = mapped_column(ForeignKey("verifications.id"), unique=True, default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class RealNameAttempt(Tenanted, Base):
    """One question to the authority, counted against the asker and the number asked about (V5).

    outcome: asking (reserved, so that simultaneous askers cannot pass the limit) -> matched | refused | void.
    """

    __tablename__ = "real_name_attempts"
    __table_args__ = (
        Index("real_name_attempts_target", "target_index", "at"),
        Index("real_name_attempts_account", "account_id", "at"),
    )
    id: Mapped[str] = mapped_column(ForeignKey("verifications.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    target_index: Mapped[str]
    outcome: Mapped[str]
    of_holder: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
