"""The province's stand-in on a real loopback socket, at the address the test settings already point to."""

import json
import threading
from collections.abc import Iterator

import pytest
from werkzeug.serving import make_server

from app.core import http
from app.platforms.bench import Push
from app.platforms.province.authority import AUTHORITY
from app.sandbox.factory import create_sandbox
from config.settings import get_settings


class Stage:
    """The running sandbox seen from the test: its bench, its controls, and the callbacks it sent."""

    def __init__(self) -> None:
        self.pushed: list[Push] = []
        self.answer: tuple[int, bytes] = (200, b'{"code":0}')
        self.app = create_sandbox(get_settings(), only=["province"], send=self._take)
        self.bench = self.app.extensions["bench"]

    def _take(self, push: Push, _timeout_s: float) -> tuple[int, bytes]:
        self.pushed.append(push)
        return self.answer

    def control(self, path: str, body: dict | None = None, status: int = 200):
        browser = self.app.test_client()
        answer = browser.get(path) if body is None else browser.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    def fault(self, kind: str, path: str, **more) -> None:
        self.control("/sim/v1/faults", {"kind": kind, "path": path, **more}, 201)

    def journal(self, operation: str) -> list[dict]:
        return self.bench.journal.entries(platform="province", operation=operation)

    def checks(self, operation: str) -> list[str]:
        return [entry["check"] for entry in self.journal(operation)]

    def events(self) -> list[dict]:
        """The callbacks sent so far, once all that are queued have been."""
        assert self.bench.emitter.settle(10)
        return [json.loads(push.body) for push in self.pushed]


@pytest.fixture(scope="session")
def house() -> Iterator[Stage]:
    stage = Stage()
    server = make_server("127.0.0.1", get_settings().sandbox_port, stage.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield stage
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def stage(house) -> Iterator[Stage]:
    http.forget()
    house.pushed.clear()
    house.answer = (200, b'{"code":0}')
    house.control("/sim/v1/reset", {})
    yield house
    house.control("/sim/v1/reset", {})


@pytest.fixture
def province(stage):
    return AUTHORITY
