from datetime import UTC, datetime

from app.core import clock


def test_now_is_aware_utc():
    assert clock.now().tzinfo is UTC


def test_the_day_boundary_at_16_utc_is_the_next_day_in_beijing():
    assert clock.to_beijing(datetime(2026, 6, 15, 16, 0, tzinfo=UTC)) == "2026-06-16 00:00"


def test_wire_form_is_utc_with_milliseconds():
    assert clock.to_wire(datetime(2026, 6, 15, 1, 2, 3, 456789, tzinfo=UTC)) == "2026-06-15T01:02:03.456Z"
