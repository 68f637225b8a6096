"""Scripted faults: what shall go wrong, where, and how often.

    wire (app/sandbox/gate.py)     delay 5xx hang execute-then-hang execute-then-reset half-body bad-json
    push (app/sandbox/emitter.py)  drop dup-callback reorder delay-callback wrong-sign
    asked for by a stand-in        expired-token; errcode (`status` is the platform's own code to answer with)

`path` is a shell pattern over the request path, or over a push's label (`push/wechat/...`).
"""

import threading
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

WIRE: Final = (
    "delay",
    "5xx",
    "hang",
    "execute-then-hang",
    "execute-then-reset",
    "half-body",
    "bad-json",
)
PUSH: Final = ("drop", "dup-callback", "reorder", "delay-callback", "wrong-sign")
ASKED: Final = ("expired-token", "errcode")
KINDS: Final = (*WIRE, *PUSH, *ASKED)


@dataclass
class Fault:
    """`count` is how often it still fires; `probability` spreads it evenly, not at random: runs must repeat."""

    kind: str
    path: str
    count: int = 1
    probability: float = 1.0
    delay_s: float = 1.0
    status: int = 503
    due: float = field(default=0.0, repr=False)

    def fires(self, path: str) -> bool:
        if self.count <= 0 or not fnmatchcase(path, self.path):
            return False
        self.due += self.probability
        if self.due < 1:
            return False
        self.due -= 1
        self.count -= 1
        return True


class Faults:
    """The waiting faults. `take` uses one up; the first scripted wins."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        if fault.kind not in KINDS:
            raise ValueError(f"unknown fault kind; known: {', '.join(KINDS)}")
        with self._lock:
            self._waiting.append(fault)

    def take(self, kinds: tuple[str, ...], path: str) -> Fault | None:
        with self._lock:
            taken = next((fault for fault in self._waiting if fault.kind in kinds and fault.fires(path)), None)
            self._waiting = [fault for fault in self._waiting if fault.count > 0]
        return taken

    def listing(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
