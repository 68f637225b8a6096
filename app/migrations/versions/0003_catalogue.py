"""The catalogue: items and the state of their sync."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.migrations.support import protect, unprotect_and_drop

revision = "0003_catalogue"
down_revision = "0002_identity"

STAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "items",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("basic_code", sa.Text, nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("min_level", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("guide", JSONB),
        sa.Column("guide_version", sa.Text),
        sa.Column("synced_in", sa.Text, nullable=False),
        sa.Column("updated_at", STAMP, nullable=False),
    )
    op.create_index("items_listed", "items", ["region", "code"], postgresql_where=sa.text("status = 'ACTIVE'"))
    protect("items")
    op.create_table(
        "regions",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("parent", sa.Text, nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
    )
    protect("regions")
    op.create_table(
        "catalogue_sync",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("synced_at", STAMP),
        sa.Column("state", sa.Text, nullable=False, index=True),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("lease_until", STAMP),
        sa.Column("next_at", STAMP),
    )
    protect("catalogue_sync")


def downgrade() -> None:
    unprotect_and_drop("catalogue_sync", "regions", "items")
