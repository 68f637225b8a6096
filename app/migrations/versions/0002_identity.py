"""Citizens, accounts, sessions, consents, verifications and their evidence."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from app.migrations.support import protect, unprotect_and_drop

revision = "0002_identity"
down_revision = "0001_guard"

STAMP = sa.DateTime(timezone=True)
STATES = "('created', 'pending', 'passed', 'failed', 'expired', 'consumed', 'revoked')"


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.Text, primary_key=True)


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant_id", sa.Text, nullable=False)


def _text(name: str, *more: sa.schema.SchemaItem, null: bool = False, index: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, *more, nullable=null, index=index)


def _of(name: str, table: str, *, null: bool = False, index: bool = False) -> sa.Column[str]:
    return _text(name, sa.ForeignKey(f"{table}.id"), null=null, index=index)


def _at(name: str, *, null: bool = False, index: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, STAMP, nullable=null, index=index)


def upgrade() -> None:
    _people()
    _sessions()
    _consents()
    _verifications()
    _polls_and_attempts()


def _people() -> None:
    op.create_table(
        "citizens",
        _id(),
        _tenant(),
        _text("name_sealed", null=True),
        _text("id_number_sealed", null=True),
        _text("subject_index", null=True),
        _text("subject_ref_sealed", null=True),
        sa.Column("holder", sa.Boolean, nullable=False),
        _of("merged_into", "citizens", null=True),
        _at("created_at"),
        sa.CheckConstraint("not holder or subject_index is not null", name="citizens_holder_is_somebody"),
        sa.CheckConstraint("not holder or merged_into is null", name="citizens_holder_stays"),
    )
    op.create_index("citizens_holder", "citizens", ["subject_index"], unique=True, postgresql_where=sa.text("holder"))
    op.create_index("citizens_subject", "citizens", ["subject_index"])
    protect("citizens")
    op.create_table(
        "accounts",
        _id(),
        _tenant(),
        _text("channel"),
        _text("app_id"),
        _text("openid_index"),
        _text("openid_sealed"),
        _text("session_key_sealed", null=True),
        _of("citizen_id", "citizens", index=True),
        _at("created_at"),
        _at("last_login_at"),
        sa.UniqueConstraint("channel", "app_id", "openid_index"),
    )
    protect("accounts")


def _sessions() -> None:
    op.create_table(
        "login_codes", sa.Column("code_hash", sa.Text, primary_key=True), _tenant(), _at("burnt_at", index=True)
    )
    protect("login_codes")
    op.create_table(
        "sessions",
        _id(),
        _tenant(),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        _of("account_id", "accounts"),
        _of("citizen_id", "citizens"),
        _text("channel"),
        _text("app_id"),
        _at("created_at"),
        _at("last_seen_at"),
        _at("idle_until"),
        _at("expires_at", index=True),
        _at("ended_at", null=True),
        _text("reason"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("published", sa.Integer, nullable=False),
    )
    live = sa.text("ended_at is null")
    op.create_index("sessions_live", "sessions", ["account_id"], postgresql_where=live)
    op.create_index("sessions_citizen", "sessions", ["citizen_id"], postgresql_where=live)
    op.create_index("sessions_untold", "sessions", ["expires_at"], postgresql_where=sa.text("version <> published"))
    protect("sessions")


def _consents() -> None:
    op.create_table(
        "consents",
        _id(),
        _tenant(),
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), nullable=False),
        _of("account_id", "accounts"),
        _of("citizen_id", "citizens"),
        _text("purpose"),
        _text("text_version"),
        _text("text_hash"),
        _text("recipient"),
        _text("channel"),
        sa.Column("given", sa.Boolean, nullable=False),
        _at("at"),
    )
    op.create_index("consents_newest", "consents", ["account_id", "purpose", "seq"])
    protect("consents", insert_only=True)


def _verifications() -> None:
    op.create_table(
        "verifications",
        _id(),
        _tenant(),
        _of("account_id", "accounts", index=True),
        _of("citizen_id", "citizens"),
        _text("channel"),
        _text("app_id"),
        _text("method"),
        _text("purpose"),
        _text("matter_id", null=True),
        _text("identity_index"),
        _of("consent_id", "consents"),
        _text("state"),
        _text("reason"),
        sa.Column("can_retry", sa.Boolean, nullable=False),
        _text("provider_ref_sealed", null=True),
        _at("live_at", null=True),
        _text("check_ref_sealed", null=True),
        _text("check_ref_index", null=True, index=True),
        _at("created_at"),
        _at("passed_at", null=True),
        _at("consumed_at", null=True),
        _text("consumed_by", null=True),
        _at("expires_at"),
        sa.CheckConstraint(f"state in {STATES}", name="verifications_state"),
        sa.CheckConstraint("(purpose = 'act') = (matter_id is not null)", name="verifications_act_has_matter"),
        sa.CheckConstraint("state <> 'consumed' or passed_at is not null", name="verifications_consumed_was_passed"),
    )
    unfinished = sa.text("state in ('created', 'pending')")
    op.create_index("verifications_unfinished", "verifications", ["account_id"], postgresql_where=unfinished)
    open_ones = sa.text("state in ('created', 'pending', 'passed')")
    op.create_index("verifications_open", "verifications", ["expires_at"], postgresql_where=open_ones)
    protect("verifications")
    op.create_table(
        "evidence",
        _id(),
        _tenant(),
        _of("account_id", "accounts", index=True),
        _of("citizen_id", "citizens"),
        sa.Column("level", sa.Integer, nullable=False),
        _text("method"),
        _at("obtained_at"),
        sa.Column("verification_id", sa.Text, sa.ForeignKey("verifications.id"), unique=True),
        _at("revoked_at", null=True),
        sa.CheckConstraint("level in (2, 3)", name="evidence_level"),
    )
    protect("evidence")


def _polls_and_attempts() -> None:
    op.create_table(
        "verification_polls",
        sa.Column("id", sa.Text, sa.ForeignKey("verifications.id"), primary_key=True),
        _tenant(),
        _text("state", index=True),
        sa.Column("n", sa.Integer, nullable=False),
        _at("lease_until", null=True),
        _at("next_at", null=True),
    )
    due = sa.text("state in ('waiting', 'running')")
    op.create_index("verification_polls_due", "verification_polls", ["next_at"], postgresql_where=due)
    protect("verification_polls")
    op.create_table(
        "real_name_attempts",
        sa.Column("id", sa.Text, sa.ForeignKey("verifications.id"), primary_key=True),
        _tenant(),
        _of("account_id", "accounts"),
        _text("target_index"),
        _text("outcome"),
        sa.Column("of_holder", sa.Boolean, nullable=False),
        _at("at"),
        sa.CheckConstraint("outcome in ('asking', 'matched', 'refused', 'void')", name="real_name_attempts_outcome"),
    )
    op.create_index("real_name_attempts_target", "real_name_attempts", ["target_index", "at"])
    op.create_index("real_name_attempts_account", "real_name_attempts", ["account_id", "at"])
    protect("real_name_attempts")


def downgrade() -> None:
    unprotect_and_drop(
        "real_name_attempts", "verification_polls", "evidence", "verifications", "consents", "sessions",
        "login_codes", "accounts", "citizens",
    )  # fmt: skip
