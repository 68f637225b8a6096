"""A plain HTTP client for the walk: no session, no retry, no cleverness between the story and the wire.

The walk plays the mini-program, so it does not use the house's own outbound client.
"""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
BROKEN = (OSError, http.client.HTTPException)  # what a killed server looks like from outside
TIMEOUT_S = 40.0


class StepFailed(Exception):
    """The story did not go as told; the text says what was expected and what came."""


@dataclass(frozen=True)
class Answer:
    """Status, headers by lower-case name, and the JSON body (None when empty)."""

    status: int
    headers: Mapping[str, str]
    body: Any = field(repr=False)

    def expect(self, status: int, code: str = "") -> "Answer":
        """This answer, if it is the expected one. Names status and problem code, never the body."""
        found = self.body.get("code", "") if isinstance(self.body, dict) else ""
        if self.status != status or (code and found != code):
            fields = self.body.get("errors", "") if isinstance(self.body, dict) else ""
            raise StepFailed(f"expected {status} {code}, got {self.status} {found} {fields or ''}".strip())
        return self


class Wire:
    """Requests to one base address."""

    def __init__(self, base: str, headers: Mapping[str, str] | None = None) -> None:
        self._base = urlsplit(base)
        self._headers = dict(headers or {})

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request. Keyword names become header names: `Idempotency_Key` -> `Idempotency-Key`."""
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        raw = None
        if body is not None:
            raw, sent["Content-Type"] = json.dumps(body, ensure_ascii=False).encode(), "application/json"
        connection = http.client.HTTPConnection(self._base.hostname or "", self._base.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, self._base.path + path, raw, sent)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        parsed = json.loads(data) if data and "json" in (answer.getheader("Content-Type") or "") else None
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, parsed)


def until(what: str, look: Callable[[], T | None], timeout_s: float = 45.0) -> T:
    """Ask again until there is something. A refused connection counts as nothing: a worker may just be restarting."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except BROKEN:
            pass  # the web was killed on purpose a moment ago; the deadline is what fails the step
        time.sleep(0.2)
    raise StepFailed(f"waited {timeout_s:.0f} s for {what}")
