"""Delivers the stand-ins' callbacks to our own public address, with each platform's patience and the scripted faults.

A few threads and a heap: a campaign's hundred thousand receipts must not become as many threads. Every attempt, and
every callback dropped on purpose, is in the journal. Speaks plain `http.client`: the platform is not our client.
"""

import heapq
import http.client
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from app.platforms.bench import Delivery, Push
from app.sandbox.faults import Faults

HELD_AT_MOST_S: Final = 3.0
ANSWER_LIMIT_BYTES: Final = 65_536

Note = Callable[[str, str, dict[str, object]], None]


def deliver_over_http(push: Push, timeout_s: float) -> tuple[int, bytes]:
    """One attempt over a socket of its own. Raises OSError or http.client.HTTPException."""
    parts = urlsplit(push.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request(
            push.method, f"{parts.path}?{parts.query}" if parts.query else parts.path, push.body, dict(push.headers)
        )
        answer = connection.getresponse()
        return answer.status, answer.read(ANSWER_LIMIT_BYTES)
    finally:
        connection.close()


@dataclass(order=True)
class _Job:
    due: float
    turn: int
    delivery: Delivery = field(compare=False)
    attempt: int = field(compare=False, default=0)
    forged: bool = field(compare=False, default=False)
    held: bool = field(compare=False, default=False)


class Emitter:
    """`push` returns at once. `settle` waits until nothing is queued or on its way (for tests and the demo)."""

    def __init__(
        self,
        faults: Faults,
        note: Note,
        *,
        send: Callable[[Push, float], tuple[int, bytes]] = deliver_over_http,
        threads: int = 4,
    ) -> None:
        self._faults = faults
        self._note = note
        self._send = send
        self._threads = threads
        self._started = False
        self._heap: list[_Job] = []
        self._busy = 0
        self._turns = itertools.count()
        self._change = threading.Condition()

    def push(self, delivery: Delivery) -> None:
        if self._faults.take(("drop",), delivery.label):
            self._note(delivery.label, "dropped", {})
            return
        late = self._faults.take(("delay-callback",), delivery.label)
        hold = self._faults.take(("reorder",), delivery.label) is not None
        forged = self._faults.take(("wrong-sign",), delivery.label) is not None
        copies = 2 if self._faults.take(("dup-callback",), delivery.label) else 1
        wait_s = delivery.after_s + (late.delay_s if late else 0.0) + (HELD_AT_MOST_S if hold else 0.0)
        for _ in range(copies):
            self._queue(_Job(time.monotonic() + wait_s, next(self._turns), delivery, forged=forged, held=hold))

    def settle(self, timeout_s: float = 10.0) -> bool:
        with self._change:
            return self._change.wait_for(lambda: not self._heap and not self._busy, timeout_s)

    def clear(self) -> None:
        """Forget what is still queued; an attempt already on its way ends by itself."""
        with self._change:
            self._heap.clear()
            self._change.notify_all()

    def _queue(self, job: _Job) -> None:
        with self._change:
            heapq.heappush(self._heap, job)
            # Threads start with the first push, so a pre-forking server never forks with them running.
            if not self._started:
                self._started = True
                for number in range(self._threads):
                    threading.Thread(target=self._work, name=f"sandbox-push-{number}", daemon=True).start()
            self._change.notify_all()

    def _work(self) -> None:
        while True:
            job = self._next()
            try:
                self._attempt(job)
            finally:
                with self._change:
                    self._busy -= 1
                    self._change.notify_all()

    def _next(self) -> _Job:
        with self._change:
            while True:
                wait_s = self._heap[0].due - time.monotonic() if self._heap else None
                if wait_s is not None and wait_s <= 0:
                    self._busy += 1
                    return heapq.heappop(self._heap)
                self._change.wait(wait_s)

    def _attempt(self, job: _Job) -> None:
        status, check = 0, "unreachable"
        try:
            status, body = self._send(job.delivery.build(job.forged), job.delivery.timeout_s)
            check = "ok" if job.delivery.accepted(status, body) else "refused"
        except (OSError, http.client.HTTPException) as error:
            check = f"unreachable {type(error).__name__}"
        self._note(job.delivery.label, check, {"attempt": job.attempt + 1, "status": status, "forged": job.forged})
        if check != "ok":
            self._again(job)
        elif not job.held:
            self._let_go()

    def _again(self, job: _Job) -> None:
        if job.attempt < len(job.delivery.retry_after_s):
            due = time.monotonic() + job.delivery.retry_after_s[job.attempt]
            # Only the first attempt is forged: a platform's repeat of a good callback is signed well.
            self._queue(_Job(due, next(self._turns), job.delivery, attempt=job.attempt + 1))

    def _let_go(self) -> None:
        """A later callback has arrived, so the ones held back by `reorder` may follow it now."""
        with self._change:
            for job in self._heap:
                if job.held:
                    job.due, job.held = 0.0, False
            heapq.heapify(self._heap)
            self._change.notify_all()
