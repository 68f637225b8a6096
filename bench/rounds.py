"""Interleaved rounds: A B C D A B C D, each a closed loop of some seconds, with the CPU clocks read at both ends.

A ratio is taken inside its round, between two contenders a few seconds apart; what the rest of the machine did
meanwhile stands beside each measurement, and noisy ones are marked, not dropped.
"""

import os
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench import calls, machine
from bench.calls import Generator
from bench.contenders import Contender
from bench.ground import Ground
from bench.load import Order, Result

NOISY_SHARE = 0.10  # of the whole machine's CPU, used by programs that are not the bench's
SHARED = ("postgres", "redis", "upstream")


@dataclass(frozen=True)
class Spread:
    """Minimum, median and maximum of some rounds."""

    min: float
    median: float
    max: float


def spread(values: Iterable[float]) -> Spread:
    ordered = sorted(values)
    if not ordered:
        raise ValueError("nothing was measured")
    return Spread(ordered[0], statistics.median(ordered), ordered[-1])


@dataclass(frozen=True)
class Measured:
    """One contender in one round. CPU in microseconds an answer; `foreign` is a share of the machine."""

    round: int
    name: str
    requests_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    shared_us: dict[str, float]
    generator_us: float
    foreign: float
    load: float
    statuses: dict[str, int]
    wrong: int
    dropped: int

    @property
    def noisy(self) -> bool:
        return self.foreign > NOISY_SHARE

    @property
    def clean(self) -> bool:
        """Every answer of the round was the right one."""
        return not self.wrong and not self.dropped


@dataclass(frozen=True)
class Clocks:
    """All CPU clocks at one moment."""

    at: float
    busy: float
    own: float
    groups: dict[int, float]

    @classmethod
    def read(cls, pids: Iterable[int]) -> "Clocks":
        groups = machine.cpu_s(pids)
        return cls(time.monotonic(), machine.busy_s(), machine.own_cpu_s(), groups)


def foreign_share(before: Clocks, after: Clocks, cpus: int) -> float:
    """What others used of the machine between two readings."""
    ours = after.own - before.own + sum(after.groups[pid] - before.groups[pid] for pid in before.groups)
    others = max(0.0, after.busy - before.busy - ours)
    return others / (cpus * (after.at - before.at))


def measure(
    ground: Ground, name: str, port: int, requests: Sequence[calls.Request], number: int, **options: Any
) -> Measured:
    """One closed loop against one port. `name` is the process group whose CPU is counted."""
    generator = Generator(Order(port, list(requests), **options))
    pids = [*ground.pids.values(), generator.pid]
    try:
        generator.begin()
        before = Clocks.read(pids)
        result = generator.result()
        after = Clocks.read(pids)
    finally:
        generator.stop()
    return measured(ground.pids, name, number, result, before, after, generator.pid)


def measured(
    pids: Mapping[str, int], name: str, number: int, result: Result, before: Clocks, after: Clocks, generator: int
) -> Measured:
    """Clocks and counts brought together."""
    answers = max(1, result.answers)

    def us(pid: int) -> float:
        return (after.groups[pid] - before.groups[pid]) / answers * 1e6

    return Measured(
        round=number, name=name, requests_s=result.answers / result.seconds, p50_ms=result.p50_ms,
        p99_ms=result.p99_ms, cpu_us=us(pids[name]), shared_us={one: us(pids[one]) for one in SHARED if one in pids},
        generator_us=us(generator), foreign=foreign_share(before, after, os.cpu_count() or 1),
        load=os.getloadavg()[0], statuses=result.statuses, wrong=result.wrong, dropped=result.dropped,
    )  # fmt: skip


def interleaved(
    ground: Ground, world: Mapping[str, Any], contenders: Sequence[Contender], *, rounds: int, seconds: float,
    say: Any,
) -> list[Measured]:  # fmt: skip
    """Every contender once in each round, after one round that only warms everything up."""
    requests = calls.timed(world)
    made: list[Measured] = []
    for number in range(rounds + 1):
        for contender in contenders:
            length = seconds if number else min(1.0, seconds)
            one = measure(ground, contender.name, contender.port(ground), requests, number, seconds=length, warm_s=0.5)
            if number:
                made.append(one)
                say(one)
    return made


def ratios(made: Sequence[Measured], above: str, below: str, figure: str) -> list[float]:
    """`above` divided by `below`, inside each round that has both."""
    by_round: dict[int, dict[str, float]] = {}
    for one in made:
        by_round.setdefault(one.round, {})[one.name] = getattr(one, figure)
    return [found[above] / found[below] for found in by_round.values() if above in found and found.get(below)]


def summary(made: Sequence[Measured]) -> dict[str, dict[str, Any]]:
    """Spreads of each contender's figures."""
    names = list(dict.fromkeys(one.name for one in made))
    figures = ("requests_s", "p50_ms", "p99_ms", "cpu_us")
    return {
        name: {figure: asdict(spread(getattr(one, figure) for one in made if one.name == name)) for figure in figures}
        | {
            "redis_us": asdict(spread(one.shared_us.get("redis", 0.0) for one in made if one.name == name)),
            "noisy_rounds": sum(one.noisy for one in made if one.name == name),
            "wrong_answers": sum(one.wrong + one.dropped for one in made if one.name == name),
        }
        for name in names
    }
