"""The running demo's processes by name, for the walk and the fault runner: look one up, kill it.

The supervisor keeps the file current. A name is a main process that leads its own group: killing the group is what a
machine that runs out of memory does to a service.
"""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from app.stack.errors import StackError


@dataclass(frozen=True)
class Processes:
    """The processes written down in `file` (var/demo/processes.json)."""

    file: Path

    def pid(self, name: str) -> int | None:
        """The pid of `name`, None while it is down. Raises StackError for a name the demo does not run."""
        known: dict[str, int | None] = json.loads(self.file.read_text(encoding="utf-8"))
        if name not in known:
            raise StackError(f"the demo runs no process named {name}: it runs {', '.join(known)}.")
        return known[name]

    def _running(self, name: str) -> int:
        pid = self.pid(name)
        if pid is None:
            raise StackError(f"{name} is not running, so it cannot be killed.")
        return pid

    def kill(self, name: str) -> int:
        """Kill -9 `name` with its own children; gives the pid that was killed."""
        pid = self._running(name)
        os.killpg(pid, signal.SIGKILL)
        return pid

    def kill_children(self, name: str) -> list[int]:
        """Kill -9 the processes `name` started (gunicorn's workers), not itself; gives their pids."""
        pid = self._running(name)
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        for child in listed:
            os.kill(int(child), signal.SIGKILL)
        return [int(child) for child in listed]
