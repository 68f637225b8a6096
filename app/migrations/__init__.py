"""Alembic migrations, hand-written, run by role owner; one linear chain, a file a room."""
