"""Notifications: templates, grants, messages, attempts, receipts, inbox."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.migrations.support import protect, unprotect_and_drop

revision = "0006_notifications"
down_revision = "0005_cases"

STAMP = sa.DateTime(timezone=True)


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=null)


def _stamp(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, STAMP, nullable=null)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Text, primary_key=True)


def _points_to(name: str, target: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, sa.ForeignKey(f"{target}.id"), nullable=null)


def _templates() -> None:
    op.create_table(
        "message_templates",
        _id(), _text("tenant_id"), _text("kind"), _text("channel"), _text("app_id"), _text("platform_template_id"),
        _text("title"), _text("term"), _text("lang"), sa.Column("fields", JSONB, nullable=False),
        _stamp("banned_at", null=True), _stamp("updated_at"),
        sa.UniqueConstraint("kind", "channel", "app_id"),
        sa.UniqueConstraint("channel", "app_id", "platform_template_id"),
        sa.CheckConstraint("term in ('one_time', 'long_term')"),
    )  # fmt: skip
    protect("message_templates")


def _grants() -> None:
    op.create_table(
        "message_grants",
        _id(), _text("tenant_id"), _text("account_id"), _points_to("template_id", "message_templates"), _text("state"),
        _stamp("reported_at", null=True), _stamp("confirmed_at", null=True), _text("attempt_id", null=True),
        _text("reason"), _stamp("created_at"), _stamp("updated_at"),
        sa.CheckConstraint("state in ('given', 'held', 'used', 'maybe_used', 'standing', 'void')"),
    )  # fmt: skip
    op.create_index("message_grants_of", "message_grants", ["account_id", "template_id", "state"])
    op.create_index(
        "message_grants_held", "message_grants", ["attempt_id"], postgresql_where=sa.text("attempt_id is not null")
    )
    protect("message_grants")
    op.create_table(
        "message_stances",
        _text("tenant_id"), sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("template_id", sa.Text, sa.ForeignKey("message_templates.id"), primary_key=True), _text("answer"),
        _stamp("at"),
    )  # fmt: skip
    protect("message_stances")


def _messages() -> None:
    op.create_table(
        "messages",
        _id(), _text("tenant_id"), _text("citizen_id"), _text("account_id", null=True), _text("kind"), _text("origin"),
        _text("sender"), _text("values_sealed"), _text("policy"), _stamp("created_at"), _stamp("expires_at"),
        sa.UniqueConstraint("origin", "citizen_id", "kind"),
    )  # fmt: skip
    op.create_index("messages_of", "messages", ["citizen_id", "id"])
    protect("messages")


def _attempts() -> None:
    op.create_table(
        "message_attempts",
        _id(), _text("tenant_id"), sa.Column("state", sa.Text, nullable=False, index=True),
        sa.Column("n", sa.Integer, nullable=False), _stamp("lease_until", null=True), _stamp("next_at", null=True),
        _points_to("message_id", "messages"), _text("account_id"), _points_to("template_id", "message_templates"),
        _text("channel"), _text("app_id"), _text("channel_message_id", null=True),
        sa.Column("tries", sa.Integer, nullable=False), _text("reason"), _text("code"), _stamp("created_at"),
        _stamp("sent_at", null=True), _stamp("settled_at", null=True),
        sa.UniqueConstraint("message_id", "account_id"),
    )  # fmt: skip
    due = sa.text("state in ('queued', 'leased', 'deferred')")
    op.create_index("message_attempts_due", "message_attempts", ["next_at"], postgresql_where=due)
    # The wall behind deliver.py: the platform answers 43108 to concurrent sends to one user, whoever sends them.
    op.create_index(
        "message_attempts_in_flight", "message_attempts", ["account_id"], unique=True,
        postgresql_where=sa.text("state = 'sending'"),
    )  # fmt: skip
    op.create_index("message_attempts_by_channel_id", "message_attempts", ["channel", "app_id", "channel_message_id"])
    protect("message_attempts")


def _receipts() -> None:
    op.create_table(
        "message_receipts",
        _id(), _text("tenant_id"), _text("channel"), _text("app_id"), _text("account_id"), _text("template_id"),
        _text("channel_message_id"), sa.Column("ok", sa.Boolean, nullable=False), _text("code"), _text("status"),
        _points_to("attempt_id", "message_attempts", null=True), _stamp("received_at"),
        sa.UniqueConstraint("channel", "app_id", "channel_message_id", "ok"),
    )  # fmt: skip
    op.create_index("message_receipts_of", "message_receipts", ["attempt_id"])
    protect("message_receipts")


def _inbox() -> None:
    op.create_table(
        "inbox_entries",
        _id(), _text("tenant_id"),
        sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id"), nullable=False, unique=True),
        _text("citizen_id"), _text("account_id", null=True), _text("kind"), _text("text_sealed"),
        _text("about", null=True), _text("page", null=True), _stamp("created_at"), _stamp("read_at", null=True),
    )  # fmt: skip
    op.create_index("inbox_by_citizen", "inbox_entries", ["citizen_id", "id"])
    op.create_index("inbox_by_account", "inbox_entries", ["account_id", "id"])
    protect("inbox_entries")


def upgrade() -> None:
    _templates()
    _grants()
    _messages()
    _attempts()
    _receipts()
    _inbox()


def downgrade() -> None:
    unprotect_and_drop(
        "inbox_entries", "message_receipts", "message_attempts", "messages", "message_stances", "message_grants",
        "message_templates",
    )  # fmt: skip
