"""A small supervisor of real processes: start in order, wait until each is ready, restart what dies, stop in reverse.

    with Supervisor([postgres, redis], logs=folder) as stack:
        stack.add([web, worker])

Every child leads its own session, so the terminal's Ctrl-C reaches only us and one signal stops all in order; it
writes to `<logs>/<name>.log`; the kernel stops it should we be killed. Called by demo.py, the fault runner and the
tests. Never decides what a child is for, and never parses its output.
"""

import json
import os
import queue
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
CALM_AFTER_S = 30.0  # a child that lived this long starts again after the first, shortest pause
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
    due: float = 0.0


@dataclass
class _Order:
    """Children somebody wants started, and how that went."""

    children: Sequence[Child]
    done: threading.Event = field(default_factory=threading.Event)
    failure: StackError | None = None


class Supervisor:
    """Keeps children running between start() and stop().

    One thread starts every child: the kernel's parent-death signal is tied to the thread that forked, so a
    short-lived caller must not do it.
    """

    def __init__(self, children: Sequence[Child], *, logs: Path, processes: Path | None = None) -> None:
        self._first = children
        self._lives: dict[str, _Life] = {}
        self._logs = logs
        self._processes = processes
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._stopping = threading.Event()
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
        self.add(self._first)

    def add(self, children: Sequence[Child]) -> None:
        """Start further children, like start(); they are stopped before the earlier ones."""
        order = _Order(children)
        self._orders.put(order)
        try:
            while self._thread.is_alive() and not order.done.wait(LOOK_EVERY_S):
                pass
        except BaseException:  # Ctrl-C while waiting: nobody will call stop() on a supervisor that never started
            self.stop()
            raise
        if order.failure is not None:
            self.stop()
            raise order.failure

    def stop(self) -> None:
        """Stop all in reverse order; a child that does not go within its `stop_s` is killed. Safe to call twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def pid(self, name: str) -> int | None:
        """The pid of child `name`, None while it is down."""
        life = self._lives.get(name)
        return life.process.pid if life is not None and life.process is not None else None

    def starts(self, name: str) -> int:
        """How often child `name` has been started."""
        return self._lives[name].starts

    # -- the thread ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._obey(self._orders.get(timeout=LOOK_EVERY_S))
            except queue.Empty:
                self._look_at_all()
        self._stop_all()

    def _obey(self, order: _Order) -> None:
        try:
            for child in order.children:
                life = self._lives[child.name] = _Life(child)
                self._spawn(life)
                self._await_ready(life)
        except StackError as failure:
            order.failure = failure
        except OSError as failure:
            order.failure = StackError(f"a process could not be started: {failure}.")
        order.done.set()

    def _spawn(self, life: _Life) -> None:
        child = life.child
        uid, gid = (child.account.uid, child.account.gid) if child.account else (launch.STAY, launch.STAY)
        # -I and -S: the launcher needs no package and must not be led astray by a variable of the child's.
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
        """Wait for one child; the others are looked after meanwhile."""
        process, child = life.process, life.child
        deadline = time.monotonic() + child.ready_s
        while process is not None and not self._stopping.is_set():
            if process.poll() is not None:
                raise StackError(
                    f"{child.name} stopped at its start (status {process.returncode}).\n{self._tail(child)}"
                )
            if child.ready(process.pid):
                return
            if time.monotonic() > deadline:
                raise StackError(f"{child.name} was not ready within {child.ready_s:.0f} s.\n{self._tail(child)}")
            self._look_at_all(besides=life)
            time.sleep(LOOK_EVERY_S)

    def _look_at_all(self, besides: _Life | None = None) -> None:
        for life in self._lives.values():
            if life is not besides:
                self._look(life)

    def _look(self, life: _Life) -> None:
        """Notice that a child died, or start it again once its pause is over."""
        now = time.monotonic()
        if life.process is not None:
            if life.process.poll() is None:
                return
            _kill_group(life.process.pid)
            if now - life.started > CALM_AFTER_S:
                life.pause_s = BACKOFF_FIRST_S
            life.due = now + life.pause_s
            life.pause_s = min(life.pause_s * 2, BACKOFF_MAX_S)
            life.process = None
            self._publish()
        if now >= life.due:
            self._respawn(life)

    def _respawn(self, life: _Life) -> None:
        try:
            self._spawn(life)
        except OSError:  # no process or no memory to be had right now: as good as a child that died at once
            life.due = time.monotonic() + BACKOFF_MAX_S

    def _stop_all(self) -> None:
        for life in reversed(self._lives.values()):
            if life.process is not None:
                _stop_one(life.process, life.child)
            life.process = None
            self._publish()

    def _publish(self) -> None:
        """Keep `processes` current: a JSON object of name to pid (null while down), whole at every moment."""
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
    """End what a dead child left in its session: the workers of a killed master would hold its port."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
