"""What the walk stands on: addresses, the supervisor's process table, the sandbox's controls, and what it was told.

`told` is the walk's own book: every id and state an answer promised. The ledger believes nobody and compares it.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import redis

from app.core import clock
from app.stack.processes import Processes
from config.settings import Settings
from handlers.cli.walk.wire import Answer, StepFailed, Wire, until


@dataclass
class Told:
    """What answers promised, by kind, in order."""

    sessions: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    evidence: list[tuple[str, str]] = field(default_factory=list)  # account id, level
    writes: dict[str, Any] = field(default_factory=dict)  # idempotency key -> the answer's data
    cases: dict[str, str] = field(default_factory=dict)  # case id -> last state shown
    messages: list[str] = field(default_factory=list)
    receipts: dict[str, str] = field(default_factory=dict)  # message id -> state
    approvals: dict[str, str] = field(default_factory=dict)
    services: list[str] = field(default_factory=list)


class Stage:
    """One run's surroundings."""

    def __init__(self, settings: Settings, processes: Path) -> None:
        self.settings = settings
        self.processes = Processes(processes)
        self.folder = processes.parent
        self.told = Told()
        self.began_at = clock.now()
        self.sandbox = Wire(settings.sandbox_base_url or "")
        self.internal = Wire(f"http://127.0.0.1:{settings.internal_port}")
        self.public = Wire(settings.public_base_url)
        self.journal_from = self._last_seq()

    # ---- the sandbox ------------------------------------------------------------------------------------------------

    def control(self, path: str, body: object = None) -> Answer:
        answer = self.sandbox.ask("POST", f"/sim/v1{path}", body if body is not None else {})
        if answer.status >= HTTPStatus.BAD_REQUEST:  # any refusal of a control is a fault of the walk itself
            raise StepFailed(f"the sandbox refused {path}: {answer.status}")
        return answer

    def journal(self, platform: str, operation: str = "") -> list[dict[str, Any]]:
        """What the stand-ins received or pushed since this walk began."""
        query = f"?platform={platform}&operation={operation}&since={self.journal_from}&limit=100000"
        entries: list[dict[str, Any]] = self.sandbox.ask("GET", f"/sim/v1/journal{query}").body["entries"]
        return entries

    def _last_seq(self) -> int:
        entries = self.sandbox.ask("GET", "/sim/v1/journal?limit=1000000").body["entries"]
        return int(entries[-1]["seq"]) if entries else 0

    # ---- breaking things --------------------------------------------------------------------------------------------

    def ready(self) -> None:
        until("the web to be ready", lambda: self.internal.ask("GET", "/readyz").status == HTTPStatus.OK or None)

    def empty_redis(self) -> int:
        """Empty state and broker of the demo's own Redis, after making sure whose it is; returns the keys that went."""
        gone = 0
        for url in (self.settings.redis_url.get_secret_value(), _plain(self.settings.broker)):
            client = redis.Redis.from_url(url)
            if client.info("server")["process_id"] != self.processes.pid("redis"):
                raise StepFailed("this Redis is not the demo's own; it stays as it is")
            gone += int(client.dbsize())
            client.flushdb()
        return gone


def _plain(broker: str) -> str:
    """Kombu's socket address in redis-py's spelling."""
    if broker.startswith("redis+socket://"):
        path, _, query = broker.removeprefix("redis+socket://").partition("?")
        return f"unix://{path}?{query.replace('virtual_host', 'db')}"
    return broker
