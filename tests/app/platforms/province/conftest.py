"""The province's stand-in on a real loopback socket, at the address the test settings already point to."""

import json
from typing import Any

import pytest

from app.core import http
from app.platforms.bench import Push
from app.platforms.province.authority import AUTHORITY
from tests.support.sandbox import Sandbox


class Stage:
    """The running sandbox seen from these tests: its bench, its controls, and the callbacks it sent."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.app = sandbox.app
        self.bench = sandbox.bench
        self.pushed: list[Push] = sandbox.pushes

    def answer_callbacks(self, status: int, body: bytes) -> None:
        self._sandbox.receiver = lambda _push: (status, body)

    def control(self, path: str, body: dict[str, Any] | None = None, status: int = 200) -> Any:
        browser = self.app.test_client()
        answer = browser.get(path) if body is None else browser.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    def fault(self, kind: str, path: str, **more: Any) -> None:
        self.control("/sim/v1/faults", {"kind": kind, "path": path, **more}, 201)

    def journal(self, operation: str) -> list[dict[str, Any]]:
        return self.bench.journal.entries(platform="province", operation=operation)

    def checks(self, operation: str) -> list[str]:
        return [entry["check"] for entry in self.journal(operation)]

    def events(self) -> list[dict[str, Any]]:
        """The callbacks sent so far, once all that are queued have been."""
        assert self.bench.emitter.settle(10)
        return [json.loads(push.body) for push in self.pushed]


@pytest.fixture
def stage(sandbox: Sandbox) -> Stage:
    http.forget()
    return Stage(sandbox)


@pytest.fixture
def province(stage: Stage):
    return AUTHORITY
