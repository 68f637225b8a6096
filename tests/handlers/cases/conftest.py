"""Fixtures of this room's tests."""

from tests.support.citizen_fixtures import citizen_app, mini, rows, town

__all__ = ["citizen_app", "mini", "rows", "town"]
