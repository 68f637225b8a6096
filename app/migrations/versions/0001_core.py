"""The outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.migrations.support import protect, unprotect_and_drop

revision = "0001_core"
down_revision = None

STAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "outbox_events",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("created_at", STAMP, nullable=False),
    )
    protect("outbox_events", insert_only=True)
    op.create_table(
        "outbox_deliveries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, sa.ForeignKey("outbox_events.id"), nullable=False),
        sa.Column("subscriber", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, index=True),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("lease_until", STAMP),
        sa.Column("next_at", STAMP),
        sa.UniqueConstraint("event_id", "subscriber"),
    )
    op.create_index(
        "outbox_deliveries_due",
        "outbox_deliveries",
        ["next_at"],
        postgresql_where=sa.text("state in ('waiting', 'running')"),
    )
    protect("outbox_deliveries")


def downgrade() -> None:
    unprotect_and_drop("outbox_deliveries", "outbox_events")
