"""Real processes: start in order, restart, stop in reverse, never outlive the supervisor."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.stack import supervisor as module
from app.stack.errors import StackError
from app.stack.supervisor import Child, Supervisor
from app.stack.surroundings import ROOT, bare_environment
from tests.support.wait import until

SLEEP = "import time; time.sleep(600)"
# Notes its name when it starts and when it is asked to stop.
NOTING = """
import signal, sys, time
note = lambda word: open(sys.argv[2], "a").write(f"{word} {sys.argv[1]}\\n")
def stop(*_):
    note("stop")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("start")
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def child(name: str, code: str = SLEEP, *arguments: str, **options) -> Child:
    return Child(name, [sys.executable, "-c", code, *arguments], bare_environment(), **options)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def test_children_start_in_order_each_after_the_one_before_is_ready_and_stop_in_reverse(tmp_path):
    notes = tmp_path / "notes"
    notes.touch()

    def noted(word):
        return lambda _pid: word in notes.read_text().splitlines()

    children = [child(name, NOTING, name, str(notes), ready=noted(f"start {name}")) for name in ("one", "two")]
    with Supervisor(children, logs=tmp_path) as stack:
        stack.add([child("three", NOTING, "three", str(notes), ready=noted("start three"))])
    assert notes.read_text().split("\n")[:-1] == [
        "start one",
        "start two",
        "start three",
        "stop three",
        "stop two",
        "stop one",
    ]


def test_a_killed_child_is_started_again_under_a_new_pid_which_is_published(tmp_path):
    processes = tmp_path / "processes.json"
    with Supervisor([child("one"), child("two")], logs=tmp_path, processes=processes) as stack:
        first, other = stack.pid("one"), stack.pid("two")
        assert json.loads(processes.read_text()) == {"one": first, "two": other}
        os.kill(first, signal.SIGKILL)
        until(lambda: stack.pid("one") not in {None, first}, "a restart")
        until(lambda: json.loads(processes.read_text())["one"] == stack.pid("one"), "its publication")
        assert stack.starts("one") == 2
        assert (stack.pid("two"), stack.starts("two")) == (other, 1)
    assert json.loads(processes.read_text()) == {"one": None, "two": None}


def test_a_child_that_keeps_dying_is_given_ever_longer_pauses_up_to_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BACKOFF_FIRST_S", 0.01)
    monkeypatch.setattr(module, "BACKOFF_MAX_S", 0.05)
    life = module._Life(child("one"), pause_s=0.01)
    stack = Supervisor([], logs=tmp_path)
    pauses = []
    for _ in range(5):
        life.process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
        life.process.wait()
        life.started = life.due = float("inf")  # it died young, and no new start interferes
        stack._look(life)
        pauses.append(life.pause_s)
    assert pauses == [0.02, 0.04, 0.05, 0.05, 0.05]


def test_a_child_that_lived_long_is_restarted_after_the_shortest_pause(tmp_path):
    life = module._Life(child("one"), pause_s=8.0, started=float("-inf"))
    life.process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    life.process.wait()
    Supervisor([], logs=tmp_path)._look(life)
    assert life.pause_s == module.BACKOFF_FIRST_S * 2


def test_a_child_that_dies_at_its_start_fails_the_start_shows_its_log_and_stops_the_others(tmp_path):
    seen = []
    first = child("one", ready=lambda pid: bool(seen.append(pid)) or True)
    stack = Supervisor(
        [first, child("two", "print('my reason'); raise SystemExit(3)", ready=lambda _: False)], logs=tmp_path
    )
    with pytest.raises(StackError, match=r"two stopped at its start \(status 3\)") as refusal:
        stack.start()
    assert "my reason" in str(refusal.value)
    assert not alive(seen[0])


def test_a_child_that_never_gets_ready_fails_the_start(tmp_path):
    with pytest.raises(StackError, match="one was not ready within"):
        Supervisor([child("one", ready=lambda _: False, ready_s=0.1)], logs=tmp_path).start()


def test_a_probe_that_refuses_fails_the_start_with_its_own_sentence(tmp_path):
    def refuse(_pid):
        raise StackError("a stranger answers.")

    with pytest.raises(StackError, match="a stranger answers"):
        Supervisor([child("one", ready=refuse)], logs=tmp_path).start()


def test_a_program_that_is_not_there_fails_the_start(tmp_path):
    missing = Child("one", [str(tmp_path / "none")], bare_environment(), ready=lambda _: False)
    with pytest.raises(StackError, match="one stopped at its start"):
        Supervisor([missing], logs=tmp_path).start()


def test_a_folder_that_is_not_there_fails_the_start(tmp_path):
    with pytest.raises(StackError, match="could not be started"):
        Supervisor([child("one", cwd=tmp_path / "none")], logs=tmp_path).start()


def test_a_deaf_child_is_killed_after_its_deadline(tmp_path):
    def heard(_pid):
        return "deaf" in (tmp_path / "one.log").read_text()

    stack = Supervisor([child("one", DEAF, stop_s=0.1, ready=heard)], logs=tmp_path)
    stack.start()
    pid = stack.pid("one")
    stack.stop()
    assert not alive(pid)
    assert stack.pid("one") is None


def test_stopping_twice_is_harmless(tmp_path):
    stack = Supervisor([child("one")], logs=tmp_path)
    stack.start()
    stack.stop()
    stack.stop()


def test_what_a_killed_child_left_behind_is_ended_too(tmp_path):
    code = f"import subprocess, sys, time; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True); time.sleep(600)"
    log = tmp_path / "one.log"
    with Supervisor([child("one", code, ready=lambda _: bool(log.read_text().strip()))], logs=tmp_path) as stack:
        grandchild = int(log.read_text().split()[0])
        os.kill(stack.pid("one"), signal.SIGKILL)
        until(lambda: not alive(grandchild), "the grandchild's end")


def test_children_die_with_a_supervisor_that_is_killed(tmp_path):
    code = f"""
import sys, time
from pathlib import Path
from app.stack.supervisor import Child, Supervisor
stack = Supervisor([Child("one", [sys.executable, "-c", {SLEEP!r}], {{}})], logs=Path({str(tmp_path)!r}))
stack.start()
print(stack.pid("one"), flush=True)
time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    until(lambda: not alive(pid), "the child's end")


def test_a_child_sees_its_own_environment_only(tmp_path, monkeypatch):
    monkeypatch.setenv("PGHOST", "elsewhere")
    out = tmp_path / "one.log"
    one = Child(
        "one",
        [sys.executable, "-c", "import os; print(sorted(os.environ), flush=True); import time; time.sleep(600)"],
        {"LANG": "C.UTF-8"},
        ready=lambda _: out.read_text().endswith("\n"),
    )
    with Supervisor([one], logs=tmp_path):
        assert "PGHOST" not in out.read_text()
        assert "'LANG'" in out.read_text()
