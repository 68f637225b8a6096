"""Organisations, humans, staff accounts and personal tokens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.migrations.support import protect, unprotect_and_drop

revision = "0007_staff"
down_revision = "0006_notifications"

STAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", STAMP, nullable=False),
        sa.UniqueConstraint("id", "kind", "tenant_id", name="organisations_identity"),
        sa.CheckConstraint("kind in ('province', 'integrator')", name="organisations_kind"),
        sa.CheckConstraint("state in ('active', 'suspended')", name="organisations_state"),
        sa.CheckConstraint(
            "tenant_id = case when kind = 'province' then 'province' else id end", name="organisations_tenant"
        ),
    )
    protect("organisations")
    op.create_table(
        "humans",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("person_index", sa.Text, nullable=False, unique=True),
        sa.Column("name_sealed", sa.Text, nullable=False),
        sa.Column("created_at", STAMP, nullable=False),
    )
    protect("humans")
    op.create_table(
        "staff",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("human_id", sa.Text, sa.ForeignKey("humans.id"), nullable=False),
        sa.Column("organisation_id", sa.Text, nullable=False),
        sa.Column("organisation_kind", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("totp_sealed", sa.Text, nullable=False),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
        sa.Column("totp_failures", sa.Integer, nullable=False),
        sa.Column("totp_retry_at", STAMP),
        sa.Column("created_at", STAMP, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "organisation_kind", "tenant_id"],
            ["organisations.id", "organisations.kind", "organisations.tenant_id"],
            name="staff_organisation",
        ),
        sa.UniqueConstraint("human_id", "organisation_id", "role", name="staff_once"),
        sa.CheckConstraint(
            "role in ('operator', 'approver', 'auditor', 'support', 'administrator', 'integrator')", name="staff_role"
        ),
        # Roles are disjoint by construction: a column holds one. Who builds on Tongban can never run it, nor the reverse.
        sa.CheckConstraint("(role = 'integrator') = (organisation_kind = 'integrator')", name="staff_role_fits"),
        sa.CheckConstraint("state in ('active', 'suspended')", name="staff_state"),
    )
    protect("staff")
    op.create_table(
        "staff_tokens",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id"), nullable=False, index=True),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        sa.Column("scopes", JSONB, nullable=False),
        sa.Column("created_at", STAMP, nullable=False),
        sa.Column("expires_at", STAMP, nullable=False),
        sa.Column("last_used_at", STAMP),
        sa.Column("revoked_at", STAMP),
        sa.CheckConstraint("expires_at <= created_at + interval '365 days'", name="staff_tokens_lifetime"),
    )
    protect("staff_tokens")


def downgrade() -> None:
    unprotect_and_drop("staff_tokens", "staff", "humans", "organisations")
