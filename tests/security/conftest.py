"""Fixtures of the identity room's tests."""

from tests.support.identity_fixtures import identity_app, old, phone, rows, time_machine_at, world

__all__ = ["identity_app", "old", "phone", "rows", "time_machine_at", "world"]
