"""Tables of what we tell citizens: templates, grants, messages, attempts, receipts, the inbox.

Values and texts are sealed. A message is one thing to say; an attempt is one try through one carrier; states belong to
attempts, and a message's state derives from them (messages.py). The inbox is the store of record.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import leases
from app.core.db import Base, Tenanted


class Template(Tenanted, Base):
    """tp_. A kind of ours as one app's template: `fields` maps the template's keys to texts with `{{name}}`.

    `term`: one_time (each accept grants one send) or long_term (one accept grants until it is taken back).
    """

    __tablename__ = "message_templates"
    __table_args__ = (
        UniqueConstraint("kind", "channel", "app_id"),
        UniqueConstraint("channel", "app_id", "platform_template_id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    channel: Mapped[str]
    app_id: Mapped[str]
    platform_template_id: Mapped[str]
    title: Mapped[str]
    term: Mapped[str]
    lang: Mapped[str]
    fields: Mapped[dict[str, Any]]
    banned_at: Mapped[datetime | None] = mapped_column(default=None)
    updated_at: Mapped[datetime]


class Grant(Tenanted, Base):
    """gr_. One accept: given -> held (by an attempt) -> used | maybe_used, or back; standing for long-term; void.

    An accept is seen twice, by the mini-program and by the platform's event, with nothing in common but who, what and
    when: `reported_at` and `confirmed_at` are the two sights of one row (grants.py).
    """

    __tablename__ = "message_grants"
    __table_args__ = (
        Index("message_grants_of", "account_id", "template_id", "state"),
        Index("message_grants_held", "attempt_id", postgresql_where="attempt_id is not null"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    template_id: Mapped[str] = mapped_column(ForeignKey("message_templates.id"))
    state: Mapped[str]
    reported_at: Mapped[datetime | None] = mapped_column(default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    attempt_id: Mapped[str | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Stance(Tenanted, Base):
    """The account's last word on a template beside accepts: rejected once, turned off, or banned by the platform."""

    __tablename__ = "message_stances"
    account_id: Mapped[str] = mapped_column(primary_key=True)
    template_id: Mapped[str] = mapped_column(ForeignKey("message_templates.id"), primary_key=True)
    answer: Mapped[str]
    at: Mapped[datetime]


class Message(Tenanted, Base):
    """mg_. One thing to say to one citizen; `origin` (`event:...`, `approval:...`) makes it exist once.

    `account_id` set: only that account may read it below L3. `sender` is the member of staff who asked for it, or
    `rules`.
    """

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("origin", "citizen_id", "kind"), Index("messages_of", "citizen_id", "id"))
    id: Mapped[str] = mapped_column(primary_key=True)
    citizen_id: Mapped[str]
    account_id: Mapped[str | None]
    kind: Mapped[str]
    origin: Mapped[str]
    sender: Mapped[str]
    values_sealed: Mapped[str]
    policy: Mapped[str] = mapped_column(default="at_most_once")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    attempts: Mapped[list["Attempt"]] = relationship(order_by=lambda: Attempt.id, viewonly=True, lazy="raise")


class Attempt(Tenanted, leases.Leased, Base):
    """at_. One try of one message through one account's channel; the states stand in deliver.py.

    At most one attempt of an account is `sending`: the platform refuses concurrent sends to one user, and a unique
    index keeps two workers from trying.
    """

    __tablename__ = "message_attempts"
    __table_args__ = (
        UniqueConstraint("message_id", "account_id"),
        Index("message_attempts_due", "next_at", postgresql_where="state in ('queued', 'leased', 'deferred')"),
        Index("message_attempts_in_flight", "account_id", unique=True, postgresql_where="state = 'sending'"),
        Index("message_attempts_by_channel_id", "channel", "app_id", "channel_message_id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"))
    account_id: Mapped[str]
    template_id: Mapped[str] = mapped_column(ForeignKey("message_templates.id"))
    channel: Mapped[str]
    app_id: Mapped[str]
    channel_message_id: Mapped[str | None] = mapped_column(default=None)
    tries: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(default="")
    code: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    settled_at: Mapped[datetime | None] = mapped_column(default=None)
    receipts: Mapped[list["Receipt"]] = relationship(order_by=lambda: Receipt.id, viewonly=True, lazy="raise")


class Receipt(Tenanted, Base):
    """rc_. What the channel said later about one send; kept even while no attempt is known for it."""

    __tablename__ = "message_receipts"
    __table_args__ = (
        UniqueConstraint("channel", "app_id", "channel_message_id", "ok"),
        Index("message_receipts_of", "attempt_id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    app_id: Mapped[str]
    account_id: Mapped[str]
    template_id: Mapped[str]
    channel_message_id: Mapped[str]
    ok: Mapped[bool]
    code: Mapped[str]
    status: Mapped[str]
    attempt_id: Mapped[str | None] = mapped_column(ForeignKey("message_attempts.id"), default=None)
    received_at: Mapped[datetime]


class Entry(Tenanted, Base):
    """ib_. A message as it stands in the inbox, in both languages, sealed; every message has one."""

    __tablename__ = "inbox_entries"
    __table_args__ = (
        Index("inbox_by_citizen", "citizen_id", "id"),
        Index("inbox_by_account", "account_id", "id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"), unique=True)
    citizen_id: Mapped[str]
    account_id: Mapped[str | None]
    kind: Mapped[str]
    text_sealed: Mapped[str]
    about: Mapped[str | None]  # the id of what it is about, a case's for instance
    page: Mapped[str | None]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None] = mapped_column(default=None)
