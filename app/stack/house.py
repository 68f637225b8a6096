"""The processes of Tongban itself: how each part is started, and when it counts as ready.

Called by demo.py (all of them, supervised) and part.py (one, in the foreground).
"""

import sys
from collections.abc import Mapping

from app.stack import ports
from app.stack.supervisor import Child
from app.stack.surroundings import ROOT, bare_environment

# Threads, not processes: a job waits on the network and on SQL, and one process is what a small machine has room for.
WORKER_THREADS = 8

WORKER_OPTIONS = ["-P", "threads", "-c", str(WORKER_THREADS), "-Q", "urgent,normal,bulk"]
WORKER_OPTIONS += ["--without-gossip", "--without-mingle"]  # chatter among workers; rows decide who does what

COMMANDS = {
    "migrate": ["-m", "app.migrations.run"],
    "sandbox": ["-m", "gunicorn", "-c", "config/sandbox_gunicorn.py", "app.sandbox.wsgi:app"],
    "web": ["-m", "gunicorn", "-c", "config/gunicorn.py", "wsgi:app"],
    "worker": ["-m", "celery", "-A", "app.worker", "worker", *WORKER_OPTIONS, "-l", "INFO"],
    "beat": ["-m", "celery", "-A", "app.worker", "beat", "-l", "INFO"],
}


def command(part: str, settings: Mapping[str, str]) -> list[str]:
    """The command line of one part, run by this environment's Python."""
    words = [sys.executable, *COMMANDS[part]]
    if part == "beat":
        # Its own note of what it last sent; without a place it would write into the current folder.
        words += ["-s", f"{settings['TB_VAR_DIR']}/beat-schedule", "--pidfile="]
    return words


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """What a part sees: the settings and the bare necessities, UTF-8 whatever the terminal's language."""
    return bare_environment() | {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"} | dict(settings)


def children(settings: Mapping[str, str]) -> list[Child]:
    """All parts in the order of their start: who answers us, then we, then those who work on what we accepted."""
    probes = {
        "sandbox": ports.answers(int(settings["TB_SANDBOX_PORT"]), "/sim/v1/health"),
        "web": ports.answers(int(settings["TB_INTERNAL_PORT"]), "/readyz"),
    }
    made = []
    for part in ("sandbox", "web", "worker", "beat"):
        words, env = command(part, settings), environment(settings)
        if part in probes:
            made.append(Child(part, words, env, ready=probes[part], cwd=ROOT, ready_s=60.0, stop_s=25.0))
        else:
            made.append(Child(part, words, env, cwd=ROOT, stop_s=25.0))
    return made
