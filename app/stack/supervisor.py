"""A small supervisor of real processes: start in order, wait until each is ready, restart what dies, stop in reverse.

    with Supervisor([postgres, redis, web], logs=folder) as stack: ...

Every child leads its own session, so the terminal's Ctrl-C reaches only us and one signal stops all in order; it
writes to `<logs>/<name>.log`; the kernel stops it should we be killed. Called by demo.py, by postgres.py's and
redis.py's users and the tests. Never decides what a child is for, and never parses its output.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from app.stack import launch
from app.stack.errors import StackError
from app.stack.places import Account

LAUNCH = Path(launch.__file__)
LOOK_EVERY_S = 0.05
BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 10.0
CALM_AFTER_S = 30.0  # a child that lived this long starts again from the first, shortest pause
TAIL_LINES = 15


def _ready_at_once(_pid: int) -> bool:
    return True


@dataclass(frozen=True)
class Child:
    """One process to keep alive."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]  # the whole environment, nothing is inherited
    ready: Callable[[int], bool] = _ready_at_once  # asked with the child's pid until True; may raise StackError
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: int = signal.SIGTERM
    ready_s: float = 30.0
    stop_s: float = 10.0


@dataclass
class _Life:
    """What the supervisor knows of one child right now."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    starts: int = 0
    pause_s: float = BACKOFF_FIRST_S
    due: float = field(default=0.0)


class Supervisor:
    """Keeps `children` running between start() and stop().

    One thread starts every child: the kernel's parent-death signal is tied to the thread that forked, so a
    short-lived caller must not do it.
    """

    def __init__(self, children: Sequence[Child], *, logs: Path, processes: Path | None = None) -> None:
        self._lives = {child.name: _Life(child) for child in children}
        self._logs = logs
        self._processes = processes
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._failure: StackError | None = None
        self._thread = threading.Thread(target=self._work, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start all in order, each after the one before is ready. Raises StackError, with everything stopped again."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Stop all in reverse order; a child that does not go within its `stop_s` is killed. Safe to call twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def pid(self, name: str) -> int | None:
        """The pid of child `name`, None while it is down."""
        process = self._lives[name].process
        return process.pid if process is not None and process.returncode is None else None

    def starts(self, name: str) -> int:
        """How often child `name` has been started."""
        return self._lives[name].starts

    # -- the thread ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            for life in self._lives.values():
                if self._stopping.is_set():
                    break
                self._spawn(life)
                self._await_ready(life)
        except StackError as failure:
            self._failure = failure
            self._stopping.set()
        except OSError as failure:  # the program is not there, or may not be run
            self._failure = StackError(f"a process could not be started: {failure}")
            self._stopping.set()
        self._started.set()
        while not self._stopping.wait(LOOK_EVERY_S):
            for life in self._lives.values():
                self._look(life)
        self._stop_all()

    def _spawn(self, life: _Life) -> None:
        child = life.child
        uid, gid = (child.account.uid, child.account.gid) if child.account else (launch.STAY, launch.STAY)
        # -S and -I: the launcher needs no package and must not be led astray by a variable of the child's.
        launcher = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), str(int(child.stop_signal))]
        with (self._logs / f"{child.name}.log").open("ab") as log:
            life.process = subprocess.Popen(
                [*launcher, str(uid), str(gid), "--", *child.argv],
                env=dict(child.env),
                cwd=child.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        life.started = time.monotonic()
        life.starts += 1
        self._publish()

    def _await_ready(self, life: _Life) -> None:
        process, child = life.process, life.child
        deadline = time.monotonic() + child.ready_s
        while process is not None and not self._stopping.is_set():
            if process.poll() is not None:
                raise StackError(
                    f"{child.name} stopped with status {process.returncode} at its start.\n{self._tail(child)}"
                )
            if child.ready(process.pid):
                return
            if time.monotonic() > deadline:
                raise StackError(f"{child.name} was not ready within {child.ready_s:.0f} s.\n{self._tail(child)}")
            time.sleep(LOOK_EVERY_S)

    def _look(self, life: _Life) -> None:
        """Notice that a child died, or start it again once its pause is over."""
        now = time.monotonic()
        if life.process is not None:
            if life.process.poll() is None:
                return
            if now - life.started > CALM_AFTER_S:
                life.pause_s = BACKOFF_FIRST_S
            life.due = now + life.pause_s
            life.pause_s = min(life.pause_s * 2, BACKOFF_MAX_S)
            life.process = None
            self._publish()
        if now >= life.due:
            self._spawn(life)

    def _stop_all(self) -> None:
        for life in reversed(self._lives.values()):
            process = life.process
            if process is not None:
                _stop_one(process, life.child)
            life.process = None
        self._publish()

    def _publish(self) -> None:
        """Keep `processes` current: a JSON object of name to pid, whole at every moment."""
        if self._processes is None:
            return
        fresh = self._processes.with_suffix(".new")
        fresh.write_text(json.dumps({name: self.pid(name) for name in self._lives}), encoding="utf-8")
        fresh.replace(self._processes)

    def _tail(self, child: Child) -> str:
        log = self._logs / f"{child.name}.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([f"The end of {log}:", *(f"  {line}" for line in lines)])


def _stop_one(process: subprocess.Popen[bytes], child: Child) -> None:
    if process.poll() is None:
        process.send_signal(child.stop_signal)
        try:
            process.wait(child.stop_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _kill_group(process.pid)


def _kill_group(leader: int) -> None:
    """End what the child left behind in its session (the workers of a killed master)."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:  # all that is left are zombies of another account, which init will reap
        return
