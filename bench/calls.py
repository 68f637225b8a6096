"""Requests as text for the load generator, and the orders that go to it."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from app.stack.errors import StackError
from app.stack.surroundings import ROOT
from bench.ground import bench_environment
from bench.load import Order, Result

STOP_S = 3.0

Request = tuple[str, int, str]


def request(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> str:
    """One HTTP/1.1 request as Latin-1 text."""
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: bench.local",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if body or method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]) + body.decode("latin-1")


def headers(world: Mapping[str, Any], token: str, **more: str) -> dict[str, str]:
    """What a mini-program sends with every call."""
    return {"X-App": world["app"], "Authorization": f"Bearer {token}", "Accept": "application/json", **more}


def timed(world: Mapping[str, Any]) -> list[Request]:
    """The proxied call, once for each citizen: the generator goes round, so no limit is met."""
    path = f"/v1/services/{world['service_id']}/call/cards/99-1"
    return [(request("GET", path, headers(world, one["token"])), 200, "") for one in world["people"]["many"]]


class Generator:
    """One order under way in a process of its own. Its CPU is ours, not foreign."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"], cwd=ROOT, env=bench_environment({}), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.pid = self._process.pid

    def begin(self) -> None:
        """Give the order; returns when the measured part begins."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise StackError("the load generator has no pipes")
        stdin.write(json.dumps(asdict(self._order)) + "\n")
        stdin.flush()
        if stdout.readline().strip() != "begin":
            self.stop()
            raise StackError("the load generator did not begin")

    def result(self) -> Result:
        """Wait for the end, with the measured part over as soon as the line is there."""
        stdout = self._process.stdout
        line = stdout.readline() if stdout is not None else ""
        if not line:
            self.stop()
            raise StackError("the load generator said nothing")
        return Result(**json.loads(line))

    def stop(self) -> None:
        """It ends by itself once it has told its result; anything else is cut short."""
        try:
            self._process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def carried_out(port: int, requests: Iterable[Request], **options: Any) -> Result:
    """One order from start to end, where no clocks are read in between."""
    generator = Generator(Order(port, list(requests), **options))
    try:
        generator.begin()
        return generator.result()
    finally:
        generator.stop()
