"""Fixtures of the identity room's tests."""

from tests.support.identity_fixtures import identity_app, old, phone, rows, world

__all__ = ["identity_app", "old", "phone", "rows", "world"]
