"""What the stand-ins truly received and sent, in order: the witness the ledger and the tests question.

Written by the stand-ins (`note`), the fault gate and the emitter; read through `/sim/v1/journal`. It keeps facts chosen
by the writer, never key material: a guard refuses members whose name promises a secret.
"""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

# A writer's slip must not turn the witness into a leak, so these names are refused whatever their value.
FORBIDDEN: Final = frozenset({"secret", "appsecret", "session_key", "access_token", "token", "push_token", "aes_key"})


class Journal:
    """A bounded, thread-safe list of entries `{seq, at, platform, operation, check, facts}`."""

    def __init__(self, capacity: int = 200_000) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=capacity)
        self._lock = threading.Lock()
        self._seq = 0

    def note(self, at: float, platform: str, operation: str, check: str, facts: Mapping[str, object]) -> None:
        leaking = FORBIDDEN.intersection(facts)
        if leaking:
            raise ValueError(f"the journal never holds {sorted(leaking)}")
        with self._lock:
            self._seq += 1
            self._entries.append(
                {
                    "seq": self._seq,
                    "at": at,
                    "platform": platform,
                    "operation": operation,
                    "check": check,
                    "facts": dict(facts),
                }
            )

    def entries(
        self, *, platform: str = "", operation: str = "", since: int = 0, limit: int = 1000, last: bool = False
    ) -> list[dict[str, Any]]:
        """Entries with `seq > since`, oldest first, narrowed when asked; `last` keeps the newest `limit` of them."""
        with self._lock:
            found = [
                entry
                for entry in self._entries
                if entry["seq"] > since
                and (not platform or entry["platform"] == platform)
                and (not operation or entry["operation"] == operation)
            ]
        return found[-limit:] if last else found[:limit]

    def clear(self) -> None:
        """Forget the entries; `seq` goes on, so a reader's cursor never meets a number twice."""
        with self._lock:
            self._entries.clear()
