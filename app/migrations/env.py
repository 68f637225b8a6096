"""Alembic's entry: connects as the owner, one transaction, with lock and statement timeouts (Warehouse's habit)."""

from alembic import context
from sqlalchemy import create_engine, pool, text

MIGRATION_LOCK = 72_661_001  # any constant: two migrators at once would race otherwise

engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
with engine.connect() as connection:
    connection.execute(text("SET lock_timeout = '10s'; SET statement_timeout = '600s'"))
    connection.commit()
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        context.run_migrations()
