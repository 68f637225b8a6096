"""The gateway: services, their versions, what passed, and the levels items ask for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.migrations.support import protect, unprotect_and_drop

revision = "0004_gateway"
down_revision = "0003_catalogue"

STAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "services",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False, unique=True),
        sa.Column("published_version", sa.Integer),
        sa.Column("suspended_at", STAMP),
        sa.Column("created_at", STAMP, nullable=False),
    )
    protect("services")
    op.create_table(
        "service_versions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("service_id", sa.Text, sa.ForeignKey("services.id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("manifest", JSONB, nullable=False),
        sa.Column("manifest_hash", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("submitted_by", sa.Text, nullable=False),
        sa.Column("submitted_at", STAMP, nullable=False),
        sa.Column("approval_id", sa.Text),
        sa.Column("published_at", STAMP),
        sa.UniqueConstraint("service_id", "version"),
    )
    op.create_index(
        "one_published_version", "service_versions", ["service_id"], unique=True,
        postgresql_where=sa.text("state = 'published'"),
    )  # fmt: skip
    protect("service_versions")
    op.create_table(
        "exchanges",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("service_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("citizen_ref", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path_template", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("upstream_status", sa.Integer),
        sa.Column("request_digest", sa.Text, nullable=False),
        sa.Column("response_digest", sa.Text, nullable=False, server_default=""),
        sa.Column("started_at", STAMP, nullable=False),
        sa.Column("elapsed_ms", sa.Integer),
        sa.Column("idempotency_ref", sa.Text, nullable=False, server_default=""),
        sa.Column("request_id", sa.Text, nullable=False),
    )
    op.create_index("exchanges_of_service", "exchanges", ["service_id", "started_at"])
    op.create_index("exchanges_sending", "exchanges", ["started_at"], postgresql_where=sa.text("outcome = 'SENDING'"))
    protect("exchanges")
    op.create_table(
        "item_floors",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("min_level", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
    )
    protect("item_floors")


def downgrade() -> None:
    unprotect_and_drop("item_floors", "exchanges", "service_versions", "services")
