"""What a platform's stand-in may ask of the sandbox that hosts it.

Each `app/platforms/<name>/sandbox.py` offers `stand_in(bench) -> flask.Blueprint`; app/sandbox/ builds the bench.
The type stands here, below the host, so that a stand-in never imports upwards. Production code imports nothing of it.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from config.settings import Settings


@dataclass(frozen=True)
class Push:
    """One callback request as it will go over the wire to our own public address."""

    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    method: str = "POST"


def answered_200(status: int, _body: bytes) -> bool:
    """The plainest rule for "the other side took it"."""
    return status == 200  # noqa: PLR2004  the number is the rule's name


@dataclass(frozen=True)
class Delivery:
    """A callback to deliver. `build(forged)` makes each attempt anew, with a wrong signature when `forged`.

    `label` is what fault patterns match, e.g. `push/wechat/subscribe_msg_sent_event`. `retry_after_s` is the platform's
    own schedule: one entry for each repeat after the first attempt. `after_s` is its own delay before the first.
    """

    label: str
    build: Callable[[bool], Push]
    accepted: Callable[[int, bytes], bool] = answered_200
    retry_after_s: tuple[float, ...] = ()
    timeout_s: float = 5.0
    after_s: float = 0.0


class Bench(Protocol):
    """The host's services. One lock for all stand-in state: a simulator needs truth, not speed."""

    settings: Settings
    lock: threading.RLock

    def now(self) -> float:
        """The sandbox's own unix time, moved by /sim/v1/clock: a platform's clock is not our application's."""
        ...

    def note(self, platform: str, operation: str, check: str, facts: Mapping[str, object]) -> None:
        """Write down what was truly received. `check`: "ok" or why it was refused. Never key material or tokens."""
        ...

    def fault(self, kind: str, path: str) -> int | None:
        """Use up one scripted fault of this kind for this path: its `status` if one was waiting, else None."""
        ...

    def push(self, delivery: Delivery) -> None:
        """Queue a callback; the emitter obeys drop, dup-callback, reorder, delay-callback and wrong-sign."""
        ...

    def at_reset(self, act: Callable[[], None]) -> None:
        """Run `act` on /sim/v1/reset (under the lock)."""
        ...
