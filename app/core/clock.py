"""The one clock. Instants are aware UTC; durations come from the monotonic clock (security.md P11)."""

import time
from datetime import UTC, datetime, timedelta, timezone

# Platforms and citizens read Beijing time; it has had no summer time since 1991, so an offset says it all.
BEIJING = timezone(timedelta(hours=8))


def now() -> datetime:
    return datetime.now(UTC)


def monotonic() -> float:
    return time.monotonic()


def to_beijing(instant: datetime) -> str:
    """`2026-06-15 23:06`, the form people and message templates read."""
    return instant.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def to_wire(instant: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, the form of every instant in our API."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
