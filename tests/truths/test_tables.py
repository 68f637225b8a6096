"""Every table has a tenant and row-level security, and the models say what the migrations made."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, func, select, text

from app.core.db import Base
from app.factory import create_app
from tests.support.servers import plain

OURS = """
SELECT c.relname, c.relrowsecurity,
       EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull),
       (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
"""
# What the application may do to the tables that prove things: add and read, never alter or take away.
INSERT_ONLY = {
    "audit_entries", "audit_chain", "audit_anchors", "data_uses", "inbound_events", "consents", "outbox_events",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def every_model(servers):
    """Installing the rooms imports every model."""
    create_app()


@pytest.fixture
def catalog(servers):
    with psycopg.connect(plain(servers.addresses.owner)) as connection:
        yield connection


def test_every_table_has_a_tenant_and_row_level_security(catalog):
    rows = catalog.execute(OURS).fetchall()
    assert len(rows) >= 2
    assert [name for name, secured, _, _ in rows if not secured] == []
    assert [name for name, _, tenanted, _ in rows if not tenanted] == []
    assert [name for name, _, _, policies in rows if policies < 2] == []


def test_the_application_owns_no_table_and_bypasses_nothing(catalog):
    owned = catalog.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tableowner = 'tb_app'"
    ).fetchall()
    role = catalog.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'tb_app'"
    ).fetchone()
    assert owned == []
    assert role == (False, False, False, False)


def test_what_proves_things_can_only_be_added_to(catalog):
    rights = catalog.execute(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = 'tb_app'"
    ).fetchall()
    present = {table for table, _ in rights} & INSERT_ONLY
    assert "outbox_events" in present
    assert sorted({(t, r) for t, r in rights if t in present and r not in ("SELECT", "INSERT")}) == []


def test_the_auditor_only_reads(catalog):
    rights = catalog.execute(
        "SELECT DISTINCT privilege_type FROM information_schema.role_table_grants WHERE grantee = 'tb_auditor'"
    ).fetchall()
    assert rights == [("SELECT",)]


def test_no_row_is_seen_without_a_tenant(servers):
    engine = create_engine(servers.addresses.database)
    with engine.connect() as connection:
        seen = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }
    engine.dispose()
    assert {name: count for name, count in seen.items() if count} == {}


def test_models_equal_migrations(servers):
    engine = create_engine(servers.addresses.owner)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert [difference for difference in differences if "alembic_version" not in str(difference)] == []


def test_the_migrations_are_one_line(servers):
    with create_engine(servers.addresses.owner).connect() as connection:
        heads = connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one()
        connection.engine.dispose()
    assert heads == 1
