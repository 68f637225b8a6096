"""One upstream must not starve the others (security.md X9): how many calls may be under way to a service, and a pause
after several in a row got no answer. In memory, per process; costs a lock and two comparisons a call.
"""

from threading import Lock
from typing import Final

TRIPS_AFTER: Final = 5  # calls in a row without an answer
PAUSE_S: Final = 5.0


class Breaker:
    """closed -> (TRIPS_AFTER silences) -> open for PAUSE_S -> one probe -> closed or open again."""

    __slots__ = ("_lock", "_probing", "_silences", "_under_way", "open_until")

    def __init__(self) -> None:
        self._lock = Lock()
        self._under_way = 0
        self._silences = 0
        self._probing = False
        self.open_until = 0.0

    def enter(self, limit: int, now: float) -> bool:
        """Whether a call may start; every True is followed by exactly one `leave`."""
        with self._lock:
            if self._under_way >= limit or now < self.open_until:
                return False
            if self._silences >= TRIPS_AFTER:
                if self._probing:
                    return False
                self._probing = True
            self._under_way += 1
            return True

    def leave(self, *, answered: bool, now: float) -> None:
        with self._lock:
            self._under_way -= 1
            self._probing = False
            self._silences = 0 if answered else self._silences + 1
            if self._silences >= TRIPS_AFTER:
                self.open_until = now + PAUSE_S

    def wait_s(self, now: float) -> int:
        """For Retry-After."""
        return max(1, round(self.open_until - now))


_breakers: dict[str, Breaker] = {}


def of(service_id: str) -> Breaker:
    return _breakers.get(service_id) or _breakers.setdefault(service_id, Breaker())


def forget() -> None:
    """Tests begin with every upstream trusted."""
    _breakers.clear()
