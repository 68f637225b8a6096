"""The sandbox as tests use it: really listening on the settings' sandbox port, its callbacks handed to the test."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app.platforms.bench import Push
from app.sandbox.factory import create_sandbox
from app.sandbox.host import SandboxBench
from config.settings import get_settings

Receiver = Callable[[Push], tuple[int, bytes]]


class Quiet(WSGIRequestHandler):
    """No access log: request lines carry secrets, as WeChat's protocol wants it."""

    def log(self, *_: Any) -> None:
        return


class Sandbox:
    """`receiver` gets every callback the stand-ins emit; by default it takes them all. `pushes` keeps them."""

    def __init__(self) -> None:
        self.pushes: list[Push] = []
        self.receiver: Receiver = self.accept
        self.app = create_sandbox(get_settings(), send=self._deliver)
        self.bench: SandboxBench = self.app.extensions["bench"]
        self.port = get_settings().sandbox_port

    def reset(self) -> None:
        self.bench.reset()
        self.bench.emitter.settle()
        self.pushes.clear()
        self.receiver = self.accept

    def accept(self, push: Push) -> tuple[int, bytes]:
        """Each platform ends its repeats at its own word."""
        return 200, b'{"code":0}' if "/callbacks/province/" in push.url else b"success"

    def call_back(self, flask_app: Flask) -> None:
        """From now on callbacks arrive at this app's own door."""

        def door(push: Push) -> tuple[int, bytes]:
            url = urlsplit(push.url)
            answer = flask_app.test_client().open(
                url.path, method=push.method, query_string=url.query, data=push.body, headers=dict(push.headers)
            )
            return answer.status_code, answer.data

        self.receiver = door

    def control(self, method: str, path: str, /, **body: Any) -> Any:
        """One control call, e.g. `control("POST", "wechat/codes", user="adult")`. Fails the test on an error status."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            raw = json.dumps(body) if method == "POST" else None
            connection.request(method, f"/sim/v1/{path}", raw, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            told = answer.read()
            assert answer.status < 400, (answer.status, told)
            return json.loads(told)
        finally:
            connection.close()

    def fault(self, kind: str, path: str, **more: Any) -> None:
        self.control("POST", "faults", kind=kind, path=path, **more)

    def journal(self, operation: str = "") -> list[dict[str, Any]]:
        return self.bench.journal.entries(operation=operation)

    def count(self, operation: str) -> int:
        return len(self.journal(operation))

    def settle(self) -> None:
        assert self.bench.emitter.settle()

    def _deliver(self, push: Push, _timeout_s: float) -> tuple[int, bytes]:
        self.pushes.append(push)
        return self.receiver(push)


@contextmanager
def listening() -> Iterator[Sandbox]:
    """The sandbox behind a threaded server of its own until the block ends."""
    sandbox = Sandbox()
    server = make_server("127.0.0.1", sandbox.port, sandbox.app, threaded=True, request_handler=Quiet)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="sandbox", daemon=True)
    thread.start()
    try:
        yield sandbox
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
