"""Servers that a crashed run left behind: find one by the folder it works in, and end it.

A pid alone proves nothing (it may be somebody else's by now), so a process counts as ours only if its program has the
right name and its working folder is the very folder in question. Called by postgres.py and redis.py before a start.
"""

import os
import signal
import time
from pathlib import Path

from app.stack.errors import StackError

GONE_WITHIN_S = 15.0
COMM_MAX = 15  # proc(5): the name a program was called by, cut


def works_in(pid: int, program: str, folder: Path) -> bool:
    """Whether `pid` is a running `program` whose working folder is `folder`."""
    proc = Path("/proc") / str(pid)
    try:
        called = (proc / "comm").read_text(encoding="utf-8").strip()
        return called == program[:COMM_MAX] and (proc / "cwd").resolve() == folder.resolve()
    except OSError:  # gone, or another account's, which ours never is
        return False


def find(program: str, folder: Path) -> list[int]:
    """The pids of every `program` that works in `folder`."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and works_in(pid, program, folder)]


def end(program: str, folder: Path) -> None:
    """Stop what `find` finds, politely, then not; return when all are gone."""
    deadline = time.monotonic() + GONE_WITHIN_S
    sent = signal.SIGINT  # PostgreSQL's fast shutdown; redis-server saves and leaves on it too
    while pids := find(program, folder):
        if time.monotonic() > deadline + GONE_WITHIN_S:
            raise StackError(f"{program} (pid {pids[0]}) still works in {folder} and does not stop: end it by hand.")
        if time.monotonic() > deadline:
            sent = signal.SIGKILL
        for pid in pids:
            _signal(pid, sent)
        time.sleep(0.1)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
