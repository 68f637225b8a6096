"""Who is measured, and how each is started: the same number of worker processes for all, gunicorn's threads as we ship.

`ours` is the real application with every room, under config/gunicorn.py. How the peers are tuned stands in their files.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.stack import house, ports
from app.stack.supervisor import Child
from app.stack.surroundings import ROOT
from bench.ground import Ground, bench_environment

THREADS = 16  # config/gunicorn.py
OURS = "tongban"


@dataclass(frozen=True)
class Contender:
    """One row of the table. `table` is where its exchange rows go."""

    name: str
    title: str
    table: str
    argv: Callable[[int, int], list[str]]

    @property
    def is_ours(self) -> bool:
        return self.name == OURS

    def port(self, ground: Ground) -> int:
        return ground.ports["http" if self.is_ours else self.name]

    def child(self, ground: Ground, workers: int, world: str) -> Child:
        ready_port, path = (ground.ports["internal"], "/readyz") if self.is_ours else (self.port(ground), "/ready")
        env: Mapping[str, str] = ground.env
        if not self.is_ours:
            env = bench_environment({"BENCH_WORLD": world, "BENCH_TABLE": self.table})
        words = [sys.executable, *self.argv(self.port(ground), workers)]
        return Child(self.name, words, env, ready=ports.answers(ready_port, path), cwd=ROOT, ready_s=60, stop_s=10)


def _ours(_port: int, workers: int) -> list[str]:
    return [*house.COMMANDS["web"], "--workers", str(workers)]


def _gunicorn(module: str) -> Callable[[int, int], list[str]]:
    def argv(port: int, workers: int) -> list[str]:
        words = ["-m", "gunicorn", "-k", "gthread", "--threads", str(THREADS), "-w", str(workers)]
        return [*words, "-b", f"127.0.0.1:{port}", "--keep-alive", "15", "--log-level", "warning",
                "--no-control-socket", module]  # fmt: skip

    return argv


def _uvicorn(module: str) -> Callable[[int, int], list[str]]:
    def argv(port: int, workers: int) -> list[str]:
        words = ["-m", "uvicorn", module, "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
        words += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        return [*words, "--timeout-keep-alive", "15", "--no-server-header"]

    return argv


CONTENDERS = (
    Contender(OURS, "Tongban (gunicorn gthread)", "exchanges", _ours),
    Contender("naive", "Flask + requests (gunicorn gthread)", "peer_naive", _gunicorn("bench.peers.naive:app")),
    Contender("httpx", "FastAPI + httpx (uvicorn)", "peer_httpx", _uvicorn("bench.peers.with_httpx:app")),
    Contender("aiohttp", "FastAPI + aiohttp (uvicorn)", "peer_aiohttp", _uvicorn("bench.peers.with_aiohttp:app")),
)
PEERS = tuple(one.name for one in CONTENDERS if not one.is_ours)
