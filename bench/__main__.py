"""`python -m bench [--rounds N] [--seconds S] [--workers N]`: lay the ground, open the gate, measure, tell.

Ends with 1 when our own gate fails; goals are reported, never asserted.
"""

import argparse
import json
import platform
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

from app.stack import house
from app.stack.errors import StackError
from app.stack.supervisor import Child
from app.stack.surroundings import ROOT
from bench import doors, gate, machine, report, rounds
from bench.contenders import CONTENDERS, OURS, PEERS, THREADS, Contender
from bench.gate import Verdict
from bench.ground import Ground, bench_environment, laid, plain, same_machine

PEOPLE = {"many": 800, "low": 40, "strict": 1}
DOOR_ROUNDS = 3
SETTLE_S = 6.0
PACKAGES = ("flask", "gunicorn", "requests", "redis", "hiredis", "psycopg", "fastapi", "uvicorn", "uvloop", "httptools",
            "httpx", "aiohttp", "orjson")  # fmt: skip


class Stopped(BaseException):
    """A signal asked us to leave; everything that was started is ended on the way out."""


def _on_signal(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)


def say(text: str) -> None:
    print(text, flush=True)


def upstream_child(ground: Ground) -> Child:
    port = ground.ports["upstream"]
    env = bench_environment({"BENCH_TIF_TOKEN": ground.settings["TB_PROVINCE_PAAS_TOKEN"]})
    return Child("upstream", [sys.executable, "-m", "bench.upstream", str(port)], env, cwd=ROOT, ready=_answers(ground))


def _answers(ground: Ground) -> Any:
    def probe(_pid: int) -> bool:
        try:
            return bool(gate.seen(ground))
        except OSError:
            return False

    return probe


def seed(ground: Ground) -> tuple[dict[str, Any], Path]:
    """People, the service, and a table of exchange rows for each peer, the same as ours."""
    out, order = ground.home / "world.json", ground.home / "order.json"
    told = {"upstream": ground.ports["upstream"], "people": PEOPLE, "out": str(out),
            "database": plain(ground.settings["DATABASE_URL"])}  # fmt: skip
    order.write_text(json.dumps(told), encoding="utf-8")
    ground.run("-m", "bench.seed", str(order))
    with ground.sql() as connection:
        for peer in CONTENDERS[1:]:
            connection.execute(f"CREATE TABLE {peer.table} (LIKE exchanges INCLUDING ALL)")
            connection.execute(f"GRANT INSERT ON {peer.table} TO tb_app")
    return json.loads(out.read_text(encoding="utf-8")), out


def opened(ground: Ground, world: dict[str, Any], started: list[Contender]) -> dict[str, Verdict]:
    """The gate for everybody, before anything is timed."""
    gate.upstream_is_strict(ground)
    verdicts = {}
    for contender in started:
        begun = time.monotonic()
        verdict = verdicts[contender.name] = gate.Gate(ground, world, contender).pass_through()
        told = "通过 passed" if verdict.passed else "未通过 FAILED: " + "; ".join(verdict.failures)
        say(f"  {contender.title:<36} {time.monotonic() - begun:5.1f} s  {told}")
    return verdicts


def start_all(ground: Ground, workers: int, world: Path) -> tuple[list[Contender], dict[str, float]]:
    """Start every contender; a peer that cannot start is absent, ours must."""
    started, start_s = [], {}
    for contender in CONTENDERS:
        start_s[contender.name] = ground.start(contender.child(ground, workers, str(world)))
        started.append(contender)
    return started, start_s


def memory_of(ground: Ground) -> dict[str, list[dict[str, Any]]]:
    """Of every group, with the worker and beat started for it."""
    for part in ("worker", "beat"):
        child = Child(part, house.command(part, ground.settings), ground.env, cwd=ROOT, stop_s=25)
        ground.start(child)
    time.sleep(SETTLE_S)
    names = (*(one.name for one in CONTENDERS), "worker", "beat", "postgres", "redis")
    return {name: [asdict(one) for one in machine.memory(ground.pids[name])] for name in names if name in ground.pids}


def run(*, count: int, seconds: float, workers: int) -> int:
    begun = time.monotonic()
    say("启动数据库、缓存、各参赛者 PostgreSQL, Redis and the contenders ...")
    with laid(PEERS) as ground:
        ground.start(upstream_child(ground))
        world, world_file = seed(ground)
        started, start_s = start_all(ground, workers, world_file)
        say("先过门 the gate: signature, 401, 403, 429, equal bodies, no mix-up, a row for each call")
        verdicts = opened(ground, world, started)
        allowed = [one for one in started if verdicts[one.name].passed]
        say(f"计时 {count} rounds of {seconds:g} s, 64 connections, {workers} worker processes each")
        made = rounds.interleaved(
            ground, world, allowed, rounds=count, seconds=seconds, say=lambda one: say(report.round_line(one))
        )
        results = described(count, seconds, workers) | {
            "gate": {name: asdict(verdict) for name, verdict in verdicts.items()},
            "summary": rounds.summary(made), "goals": report.judged(made, report.GOALS),
            "ratios": report.judged(made, report.SHOWN), "start_s": start_s,
            "doors": _doors(ground, seconds) if verdicts[OURS].passed else [], "memory": memory_of(ground),
            "rounds": [asdict(one) | {"noisy": one.noisy} for one in made],
        }  # fmt: skip
    report.write(results)
    say(report.screen(results))
    say(f"\n{time.monotonic() - begun:.0f} s; {report.RESULTS.relative_to(ROOT)}")
    return 0 if verdicts[OURS].passed else 1


def _doors(ground: Ground, seconds: float) -> list[dict[str, Any]]:
    ground.start(doors.sandbox(ground))
    return doors.measured(ground, rounds=DOOR_ROUNDS, seconds=seconds)


def described(count: int, seconds: float, workers: int) -> dict[str, Any]:
    """When, where and how it was measured."""
    return {
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": same_machine(),
        "settings": {"rounds": count, "seconds": seconds, "connections": 64, "workers": workers, "threads": THREADS},
        "versions": {name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
    }


def asked(words: Sequence[str]) -> argparse.Namespace:
    """The command line; make's ROUNDS, SECONDS and WORKERS."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--rounds", type=int, default=5, choices=range(1, 101), metavar="N")
    options.add_argument("--seconds", type=float, default=3.0, help="length of a round")
    options.add_argument("--workers", type=int, default=2, choices=range(1, 17), metavar="N", help="of each contender")
    return options.parse_args(words)


def main(words: Sequence[str]) -> int:
    chosen = asked(words)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    try:
        return run(count=chosen.rounds, seconds=min(60.0, max(0.2, chosen.seconds)), workers=chosen.workers)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Stopped:
        sys.stderr.write("停止 stopped\n")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
