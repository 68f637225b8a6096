"""What guards the rooms: idempotency keys, inbound events, audit with its chain, data uses, approvals."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.migrations.support import protect, unprotect_and_drop

revision = "0001_guard"
down_revision = "0001_core"

STAMP = sa.DateTime(timezone=True)


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=null)


def _stamp(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, STAMP, nullable=null)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Text, primary_key=True)


def _idempotency() -> None:
    op.create_table(
        "idempotency_keys",
        _id(), _text("tenant_id"), _text("subject"), _text("method"), _text("route"), _text("key_digest"),
        _text("fingerprint"), _text("state"), _stamp("lease_until"), sa.Column("status", sa.Integer),
        _text("answer", null=True), _text("reference", null=True), _stamp("created_at"), _stamp("final_at", null=True),
        sa.UniqueConstraint("tenant_id", "subject", "method", "route", "key_digest"),
        sa.CheckConstraint("state in ('running', 'complete', 'unknown')"),
        sa.CheckConstraint("(state = 'complete') = (answer is not null and final_at is not null)"),
    )  # fmt: skip
    op.create_index(
        "idempotency_keys_final", "idempotency_keys", ["final_at"], postgresql_where=sa.text("state = 'complete'")
    )
    protect("idempotency_keys")


def _inbound() -> None:
    op.create_table(
        "inbound_events",
        _id(), _text("tenant_id"), _text("source"), _text("event_id"), _text("nonce", null=True), _text("kind"),
        _text("body_digest"), _text("envelope"), _text("data"), _text("reply"), _stamp("occurred_at"),
        _stamp("received_at"),
        sa.UniqueConstraint("source", "event_id"),
        sa.UniqueConstraint("source", "nonce"),
    )  # fmt: skip
    protect("inbound_events", insert_only=True)


def _audit() -> None:
    op.create_table(
        "audit_entries",
        _id(), _text("tenant_id"), _stamp("at"), _text("actor"), _text("act"), _text("object_id"), _text("outcome"),
        sa.Column("detail", JSONB, nullable=False), _text("request_id"), _text("digest"),
    )  # fmt: skip
    op.create_index("audit_entries_object", "audit_entries", ["object_id", "at"])
    op.create_index("audit_entries_actor", "audit_entries", ["actor", "at"])
    op.create_table(
        "audit_chain",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False), _text("tenant_id"),
        sa.Column("entry_id", sa.Text, nullable=False, unique=True), _text("entry_digest"), _text("prev_hash"),
        sa.Column("hash", sa.Text, nullable=False, unique=True), _stamp("sealed_at"),
        sa.CheckConstraint("seq > 0"),
    )  # fmt: skip
    op.create_table(
        "audit_anchors",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False), _text("tenant_id"), _text("hash"),
        _stamp("anchored_at"), _text("mac"),
    )  # fmt: skip
    op.create_table("audit_pending", sa.Column("entry_id", sa.Text, primary_key=True), _text("tenant_id"), _stamp("at"))
    for table in ("audit_entries", "audit_chain", "audit_anchors"):
        protect(table, insert_only=True)
        _forbid_change(table)
    protect("audit_pending")
    # Any tenant may learn how the audit stands, and nothing else of it: the function sees past row-level security.
    op.execute(STANDING)


STANDING = """
CREATE FUNCTION audit_standing(OUT seq bigint, OUT hash text, OUT anchored_at timestamptz, OUT mac text,
                               OUT next_sealed_at timestamptz, OUT oldest_pending timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  SELECT a.seq, a.hash, a.anchored_at, a.mac INTO seq, hash, anchored_at, mac
    FROM audit_anchors a ORDER BY a.seq DESC LIMIT 1;
  SELECT c.sealed_at INTO next_sealed_at FROM audit_chain c WHERE c.seq > coalesce(audit_standing.seq, 0)
   ORDER BY c.seq LIMIT 1;
  SELECT min(p.at) INTO oldest_pending FROM audit_pending p;
END $$
"""


def _forbid_change(table: str) -> None:
    """Behind the grants: the owner, too, has to take a trigger away before a row can change or go."""
    op.execute(
        f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def _uses() -> None:
    op.create_table(
        "data_uses",
        _id(), _text("tenant_id"), _text("citizen_id"), _text("actor"), _text("purpose"),
        sa.Column("fields", JSONB, nullable=False), _text("recipient"), _text("ref"), _stamp("at"),
    )  # fmt: skip
    op.create_index("data_uses_citizen", "data_uses", ["citizen_id", "id"])
    protect("data_uses", insert_only=True)


APPROVAL_GUARD = """
CREATE FUNCTION guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'an approval is never deleted';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'requested' OR NEW.approved_human IS NOT NULL OR NEW.executed_at IS NOT NULL THEN
      RAISE EXCEPTION 'an approval begins as requested';
    END IF;
    IF NEW.expires_at > NEW.created_at + interval '24 hours' OR NEW.created_at > clock_timestamp() + interval '5 minutes' THEN
      RAISE EXCEPTION 'an approval lives 24 hours at most';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.tenant_id, NEW.act, NEW.payload, NEW.payload_hash, NEW.requested_by, NEW.requested_human,
      NEW.excluded_humans, NEW.created_at, NEW.expires_at)
     IS DISTINCT FROM
     (OLD.id, OLD.tenant_id, OLD.act, OLD.payload, OLD.payload_hash, OLD.requested_by, OLD.requested_human,
      OLD.excluded_humans, OLD.created_at, OLD.expires_at) THEN
    RAISE EXCEPTION 'what was requested does not change';
  END IF;
  IF NOT ((OLD.state = 'requested' AND NEW.state IN ('approved', 'refused', 'expired'))
          OR (OLD.state = 'approved' AND NEW.state = 'executed')) THEN
    RAISE EXCEPTION 'an approval does not go from % to %', OLD.state, NEW.state;
  END IF;
  IF NEW.state IN ('approved', 'executed') AND clock_timestamp() > OLD.expires_at THEN
    RAISE EXCEPTION 'the approval has expired';
  END IF;
  IF OLD.state = 'approved' AND (NEW.approved_by, NEW.approved_human, NEW.approved_at)
     IS DISTINCT FROM (OLD.approved_by, OLD.approved_human, OLD.approved_at) THEN
    RAISE EXCEPTION 'who approved does not change';
  END IF;
  IF NEW.approved_human IS NOT NULL AND OLD.excluded_humans ? NEW.approved_human THEN
    RAISE EXCEPTION 'who wrote it may not approve it';
  END IF;
  RETURN NEW;
END $$
"""


def _approvals() -> None:
    op.create_table(
        "approvals",
        _id(), _text("tenant_id"), _text("act"), _text("payload"), _text("payload_hash"), _text("requested_by"),
        _text("requested_human"), sa.Column("excluded_humans", JSONB, nullable=False), _stamp("created_at"),
        _stamp("expires_at"), _text("state"), _text("approved_by", null=True), _text("approved_human", null=True),
        _stamp("approved_at", null=True), _stamp("executed_at", null=True), _text("refused_by", null=True),
        _text("refused_reason", null=True),
        sa.CheckConstraint("approved_human <> requested_human", name="approvals_two_humans"),
        sa.CheckConstraint("requested_human <> '' and approved_human <> ''", name="approvals_named_humans"),
        sa.CheckConstraint("state in ('requested', 'approved', 'executed', 'refused', 'expired')"),
        sa.CheckConstraint(
            "(state in ('approved', 'executed')) = (approved_human is not null) "
            "and (approved_human is null) = (approved_by is null) and (approved_human is null) = (approved_at is null)"
        ),
        sa.CheckConstraint("(state = 'executed') = (executed_at is not null)"),
        sa.CheckConstraint("(state = 'refused') = (refused_by is not null)"),
    )  # fmt: skip
    op.create_index("approvals_open", "approvals", ["expires_at"], postgresql_where=sa.text("state = 'requested'"))
    protect("approvals")
    op.execute(APPROVAL_GUARD)
    op.execute(
        "CREATE TRIGGER approvals_guard BEFORE INSERT OR UPDATE OR DELETE ON approvals "
        "FOR EACH ROW EXECUTE FUNCTION guard_approval()"
    )


def upgrade() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% rows are final', TG_TABLE_NAME; END $$"
    )
    _idempotency()
    _inbound()
    _audit()
    _uses()
    _approvals()


def downgrade() -> None:
    op.execute("DROP FUNCTION audit_standing()")
    unprotect_and_drop(
        "approvals", "data_uses", "audit_pending", "audit_anchors", "audit_chain", "audit_entries", "inbound_events",
        "idempotency_keys",
    )  # fmt: skip
    op.execute("DROP FUNCTION guard_approval()")
    op.execute("DROP FUNCTION refuse_change()")
