"""Fixtures of the identity room's tests."""

from tests.support.citizen_fixtures import citizen_app, mini, town
from tests.support.identity_fixtures import identity_app, old, phone, rows, time_machine_at, world

__all__ = ["citizen_app", "identity_app", "mini", "old", "phone", "rows", "time_machine_at", "town", "world"]
