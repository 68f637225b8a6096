"""The bench itself: clock, lock, journal, faults and emitter in one object handed to every stand-in."""

import threading
import time
from collections.abc import Callable, Mapping

from app.platforms.bench import Delivery, Push
from app.sandbox.emitter import Emitter, deliver_over_http
from app.sandbox.faults import Faults
from app.sandbox.journal import Journal
from config.settings import Settings


class SandboxBench:
    """Implements app.platforms.bench.Bench. All state is in memory: a restart is a reset."""

    def __init__(
        self, settings: Settings, send: Callable[[Push, float], tuple[int, bytes]] = deliver_over_http
    ) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.journal = Journal()
        self.faults = Faults()
        self.emitter = Emitter(self.faults, self._note_push, send=send)
        self._shift_s = 0.0
        self._resets: list[Callable[[], None]] = []

    def now(self) -> float:
        return time.time() + self._shift_s

    def shift(self, seconds: float) -> None:
        self._shift_s += seconds

    def set_time(self, unix_s: float) -> None:
        self._shift_s = unix_s - time.time()

    def note(self, platform: str, operation: str, check: str, facts: Mapping[str, object]) -> None:
        self.journal.note(self.now(), platform, operation, check, facts)

    def note_fault(self, kind: str, path: str) -> None:
        self.note("sandbox", "fault", kind, {"path": path})

    def fault(self, kind: str, path: str) -> int | None:
        fired = self.faults.take((kind,), path)
        if fired is None:
            return None
        self.note_fault(kind, path)
        return fired.status

    def push(self, delivery: Delivery) -> None:
        self.emitter.push(delivery)

    def at_reset(self, act: Callable[[], None]) -> None:
        self._resets.append(act)

    def reset(self) -> None:
        with self.lock:
            self._shift_s = 0.0
            self.faults.clear()
            self.emitter.clear()
            self.journal.clear()
            for act in self._resets:
                act()

    def _note_push(self, label: str, check: str, facts: dict[str, object]) -> None:
        platform = label.split("/")[1] if label.count("/") > 1 else label
        self.note(platform, label, check, facts)
