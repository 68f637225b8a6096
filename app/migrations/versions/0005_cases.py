"""Cases: the items read model, the cases, their track, their submission and their being asked about."""

import sqlalchemy as sa
from alembic import op

from app.migrations.support import protect, unprotect_and_drop

revision = "0005_cases"
down_revision = "0004_gateway"

STAMP = sa.DateTime(timezone=True)


def tenant() -> sa.Column[str]:
    return sa.Column("tenant_id", sa.Text, nullable=False)


def leased() -> list[sa.Column[object]]:
    return [
        sa.Column("state", sa.Text, nullable=False, index=True),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("lease_until", STAMP),
        sa.Column("next_at", STAMP),
    ]


def case_id() -> sa.Column[str]:
    return sa.Column("id", sa.Text, sa.ForeignKey("cases.id"), primary_key=True)


def upgrade() -> None:
    op.create_table(
        "case_items",
        sa.Column("code", sa.Text, primary_key=True),
        tenant(),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("min_level", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("updated_at", STAMP, nullable=False),
    )
    protect("case_items")
    op.create_table(
        "cases",
        sa.Column("id", sa.Text, primary_key=True),
        tenant(),
        sa.Column("citizen_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("item_code", sa.Text, nullable=False),
        sa.Column("item_version", sa.Text, nullable=False),
        sa.Column("item_name", sa.Text, nullable=False),
        sa.Column("accept_region", sa.Text, nullable=False),
        sa.Column("form_sealed", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("case_no", sa.Text),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("filed_at", STAMP, nullable=False),
        sa.Column("updated_at", STAMP, nullable=False),
        sa.UniqueConstraint("tenant_id", "case_no"),
    )
    op.create_index("cases_by_citizen", "cases", ["citizen_id", "id"])
    op.create_index("cases_by_account", "cases", ["account_id", "id"])
    protect("cases")
    op.create_table(
        "case_track",
        sa.Column("id", sa.Text, primary_key=True),
        tenant(),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("from_state", sa.Text, nullable=False),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("at", STAMP, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.UniqueConstraint("case_id", "number"),
    )
    protect("case_track", insert_only=True)
    op.create_table(
        "case_submissions",
        case_id(),
        tenant(),
        *leased(),
        sa.Column("absences", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("queued_at", STAMP, nullable=False),
        sa.Column("settled_at", STAMP),
    )
    protect("case_submissions")
    op.create_table(
        "case_pulls",
        case_id(),
        tenant(),
        *leased(),
        sa.Column("failures", sa.Integer, nullable=False),
    )
    op.create_index(
        "case_pulls_due", "case_pulls", ["next_at"], postgresql_where=sa.text("state in ('wanted', 'pulling')")
    )
    protect("case_pulls")


def downgrade() -> None:
    unprotect_and_drop("case_pulls", "case_submissions", "case_track", "cases", "case_items")
