"""The walk's hold on the running processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.stack.errors import StackError
from app.stack.processes import Processes
from tests.support.wait import until

SLEEP = "import time; time.sleep(600)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"


@pytest.fixture
def process():
    with subprocess.Popen([sys.executable, "-c", PARENT], start_new_session=True) as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        until(lambda: children.read_text().strip(), "a child of the process")
        yield running
        if running.poll() is None:
            os.killpg(running.pid, 9)


@pytest.fixture
def known(tmp_path, process):
    file = tmp_path / "processes.json"
    file.write_text(json.dumps({"web": process.pid, "worker": None}))
    return Processes(file)


def test_a_process_is_killed_with_its_children(known, process):
    assert known.kill("web") == process.pid
    assert process.wait() == -9


def test_its_children_alone_can_be_killed(known, process):
    killed = known.kill_children("web")
    assert len(killed) == 1
    assert process.wait() == 0  # it saw its child die and left by itself


def test_what_is_down_cannot_be_killed(known):
    assert known.pid("worker") is None
    with pytest.raises(StackError, match="worker is not running"):
        known.kill("worker")
    with pytest.raises(StackError, match="worker is not running"):
        known.kill_children("worker")


def test_an_unknown_name_is_answered_with_the_known_ones(known):
    with pytest.raises(StackError, match="no process named wbe: it runs web, worker"):
        known.pid("wbe")
