"""Canaries in every log (security.md D1, D5): a value that must never be logged raises where it is logged.

What counts is what a sink would receive: our own lines as rendered, other libraries' records by their template, as
app.core.log prints them. Recognised without being announced: id numbers of region 99, tokens by their prefix, the cast of synthetic
people, and every secret of the test settings; a test announces more with `watch_for`. The root conftest calls `install()`
once and imports `no_canary_in_any_log`, which also catches what was raised and swallowed.
"""

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from app.core import log
from app.platforms.personas import PERSONAS

# Between letters it is a piece of a random hex id, which holds eighteen such digits once in a few thousand runs.
SHAPES = re.compile(r"(?<![0-9A-Za-z])99[0-9]{15}[0-9Xx](?![0-9A-Za-z])|\btb[a-z]_[A-Za-z0-9_-]{24,}")
SECRET_NAMES = ("KEY", "SECRET", "TOKEN", "APPS")
SHORTEST = 8  # a shorter secret would be found in innocent words

hits: list[str] = []
_announced: set[str] = {person.name for person in PERSONAS}
SINKS = (log._Stderr, structlog.PrintLogger)


def watch_for(*values: str) -> None:
    """From now on these, too."""
    _announced.update(value for value in values if value)


def found_in(text: str) -> str | None:
    """The first canary in a text, None if there is none."""
    shape = SHAPES.search(text)
    if shape is not None:
        return shape[0]
    return next((value for value in _announced if value in text), None)


def check(text: str, where: str) -> None:
    canary = found_in(text)
    if canary is not None:
        hits.append(f"{where}: {canary[:6]}...")
        # no Exception: code under test that catches those must not hide it
        pytest.fail(f"a value that must never be logged was logged by {where}: {canary[:6]}...")


def install() -> None:
    """Watch this process's logging and structlog until it ends."""
    for name, value in os.environ.items():
        if name.startswith("TB_") and any(part in name for part in SECRET_NAMES):
            watch_for(*_secrets_in(value))
    _watch_records()
    for kind in SINKS:
        _watch_lines(kind)


def _secrets_in(value: str) -> Iterator[str]:
    if value.startswith("["):
        for item in json.loads(value):
            yield from (text for name, text in item.items() if name not in {"app_id", "original_id"})
    else:
        yield from (part.rpartition(":")[2] for part in value.split(",") if len(part) >= SHORTEST)


def _watch_records() -> None:
    """By the record factory: a handler would be removed by the next logging.basicConfig(force=True)."""
    make = logging.getLogRecordFactory()

    def made(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = make(*arguments, **named)
        check(str(record.msg), record.name)
        return record

    logging.setLogRecordFactory(made)


def _watch_lines(kind: type[Any]) -> None:
    write: Callable[[Any, str], None] = kind.msg

    def checked(self: Any, message: str) -> None:
        check(message, "our log")
        write(self, message)

    for name in (
        "msg",
        "log",
        "debug",
        "info",
        "warn",
        "warning",
        "error",
        "err",
        "fatal",
        "critical",
        "failure",
        "exception",
    ):
        if hasattr(kind, name):
            setattr(kind, name, checked)


@pytest.fixture(autouse=True)
def no_canary_in_any_log() -> Iterator[None]:
    """Fails the test in which a canary was logged, even where the first alarm was swallowed."""
    hits.clear()
    yield
    assert hits == [], "logged what must never be logged"
