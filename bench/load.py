"""The load generator: `python -m bench.load` with a JSON order on stdin, the result as JSON on stdout.

A closed loop: each connection sends the next request as soon as its answer is whole. Requests are prepared by whoever
orders them, so that what is left to do here is to write bytes and to find the end of an answer: some 30 us a call on
the machine of docs/performance.md. A line `begin` on stdout marks the end of the warm-up, for whoever reads CPU clocks.
"""

import asyncio
import itertools
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

try:
    from uvloop import run
except ImportError:  # the bench's own tests run without its packages
    from asyncio import run

LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *([0-9]+)\r\n")
BETWEEN_CONNECTS_S = 0.002  # one after the other, or one of several worker processes would accept them all
LONGEST_SHOWN = 300
SPARE_S = 30.0


@dataclass(frozen=True)
class Order:
    """`requests`: (text of the whole request, status expected, text the answer must hold), Latin-1.

    `once`: each is sent once and the run ends with the last; otherwise they go round until `seconds` are over. With
    `sources` above 0, connections come from as many addresses of 127/8: a limit per address then sees a crowd.
    """

    port: int
    requests: list[tuple[str, int, str]]
    connections: int = 64
    warm_s: float = 0.0
    seconds: float = 3.0
    once: bool = False
    sources: int = 0


@dataclass
class Result:
    """Counts and times of the measured part. `wrong`: answers that were not what the order expected of them."""

    seconds: float
    answers: int
    statuses: dict[str, int]
    wrong: int
    first_wrong: str
    dropped: int
    p50_ms: float
    p99_ms: float


class Run:
    """One order being carried out."""

    def __init__(self, order: Order) -> None:
        self.order = order
        prepared = [(text.encode("latin-1"), b" %d " % status, needle.encode("latin-1"))
                    for text, status, needle in order.requests]  # fmt: skip
        self._next: Iterator[tuple[bytes, bytes, bytes]] = iter(prepared) if order.once else itertools.cycle(prepared)
        self._left = len(prepared)
        self.transports: list[asyncio.Transport] = []
        self.ended = asyncio.get_running_loop().create_future()
        self.reset()

    def reset(self) -> None:
        self.began = time.perf_counter()
        self.times: list[float] = []
        self.statuses: Counter[bytes] = Counter()
        self.wrong, self.dropped, self.first_wrong = 0, 0, ""

    def next(self) -> tuple[bytes, bytes, bytes] | None:
        return None if self.ended.done() else next(self._next, None)

    def heard(self, answer: bytes, expected: tuple[bytes, bytes, bytes], elapsed: float) -> None:
        if self.ended.done():
            return
        self.times.append(elapsed)
        self.statuses[answer[9:12]] += 1
        if answer[8:13] != expected[1] or expected[2] not in answer:
            self.fail(answer[:LONGEST_SHOWN].decode("latin-1"))
        if self.order.once:
            self._left -= 1
            if not self._left:
                self.end()

    def fail(self, shown: str) -> None:
        self.wrong += 1
        self.first_wrong = self.first_wrong or shown

    def lost(self) -> None:
        """A connection went away; the request in it counts as dropped, and with `once` as done."""
        if self.ended.done():
            return
        self.dropped += 1
        if self.order.once:
            self._left -= 1
            if not self._left:
                self.end()

    def end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(time.perf_counter() - self.began)

    def result(self) -> Result:
        times = sorted(self.times) or [0.0]
        statuses = {status.decode("latin-1"): count for status, count in sorted(self.statuses.items())}
        return Result(
            self.ended.result(), len(self.times), statuses, self.wrong, self.first_wrong, self.dropped,
            times[len(times) // 2] * 1000, times[min(len(times) - 1, len(times) * 99 // 100)] * 1000,
        )  # fmt: skip


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._buffer = b""
        self._need = 0
        self._item: tuple[bytes, bytes, bytes] | None = None
        self._sent_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._run.transports.append(transport)
        self._send()

    def _send(self) -> None:
        self._item = item = self._run.next()
        if item is not None:
            self._sent_at = time.perf_counter()
            self._transport.write(item[0])

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        if not self._need:
            self._need = whole_length(buffer)
        if not self._need or len(buffer) < self._need:
            self._buffer = buffer
            return
        self._buffer, self._need = b"", 0
        if self._item is not None:
            self._run.heard(buffer, self._item, time.perf_counter() - self._sent_at)
        self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        if self._item is not None:
            self._run.lost()
            _TASKS.append(asyncio.ensure_future(connect(self._run, 0)))


_TASKS: list["asyncio.Future[None]"] = []


def whole_length(buffer: bytes) -> int:
    """Bytes of the whole answer, 0 while its head is not there yet."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return 0
    found = LENGTH.search(buffer, 0, end + 2)
    if found is None:
        raise ValueError(f"an answer without Content-Length: {buffer[:LONGEST_SHOWN]!r}")
    return end + 4 + int(found[1])


async def connect(run: Run, number: int) -> None:
    sources = run.order.sources
    local = (f"127.0.1.{1 + number % sources}", 0) if sources else None
    loop = asyncio.get_running_loop()
    try:
        await loop.create_connection(lambda: Caller(run), "127.0.0.1", run.order.port, local_addr=local)
    except OSError:
        if not run.ended.done():
            run.lost()


async def carry_out(order: Order) -> Result:
    run = Run(order)
    async with asyncio.timeout(order.warm_s + order.seconds + SPARE_S):
        if order.once:
            begin(run)
            await connect_all(run)
        else:
            await connect_all(run)
            await asyncio.sleep(order.warm_s)
            begin(run)
        await run.ended
    for transport in run.transports:
        transport.abort()
    await asyncio.sleep(0)  # until they are closed
    return run.result()


def begin(run: Run) -> None:
    run.reset()
    print("begin", flush=True)
    asyncio.get_running_loop().call_later(run.order.seconds, run.end)


async def connect_all(run: Run) -> None:
    for number in range(run.order.connections):
        await connect(run, number)
        await asyncio.sleep(BETWEEN_CONNECTS_S)


def main() -> None:
    order = Order(**json.loads(sys.stdin.readline()))
    print(json.dumps(asdict(run(carry_out(order)))), flush=True)


if __name__ == "__main__":
    main()
