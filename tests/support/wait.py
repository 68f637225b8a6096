"""Waiting for something another process does, without asserting how long it takes."""

import time
from collections.abc import Callable

PATIENCE_S = 30.0


def until(happened: Callable[[], object], what: str) -> None:
    """Return once `happened()` is true; fail, saying `what`, when patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen: {what}")
        time.sleep(0.02)
