"""The composition, without starting it: one at a time, given servers are used, failures are sentences."""

import os
import signal
import subprocess
import sys

import pytest

from app.stack import demo, ports
from app.stack.errors import StackError
from app.stack.surroundings import ROOT, given

GIVEN = {"DATABASE_URL": "d", "DATABASE_OWNER_URL": "o", "REDIS_URL": "r"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "DEMO", tmp_path)
    monkeypatch.setattr(demo, "SIGN_INS", tmp_path / "sign-ins.txt")
    return tmp_path


@pytest.fixture
def handlers():
    """The signal handlers as they were."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_two_demos_in_one_folder_are_refused():
    with demo.alone(), pytest.raises(StackError, match="already running in this folder"), demo.alone():
        pass
    with demo.alone():
        pass


def test_given_servers_are_used_and_nothing_is_started_in_their_place():
    children, addresses, database = demo.embedded(GIVEN)
    assert (children, addresses, database) == ([], GIVEN, None)


def test_a_failure_is_a_sentence_and_status_1(capsys, monkeypatch, handlers):
    monkeypatch.setattr(ports, "_is_free", lambda port: port != 8801)
    assert demo.main([]) == 1
    assert capsys.readouterr().err.startswith("port 8801 is taken by another program: choose another one")


def test_the_programs_status_is_the_demos_under_once(monkeypatch):
    monkeypatch.setattr(demo, "run_program", lambda name, _: {"walk": 3, "faults": 4}[name])
    assert demo._serve(given({"ONCE": "1"}), {}, only_servers=False, program="walk") == 3
    assert demo._serve(given({}), {}, only_servers=False, program="faults") == 4


def test_a_signal_ends_it_with_everything_stopped(monkeypatch, capsys, handlers):
    def interrupted(*_, **__):
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()

    monkeypatch.setattr(demo, "run", interrupted)
    assert demo.main([]) == 128 + signal.SIGTERM
    assert "Stopped" in capsys.readouterr().out


def test_sign_ins_are_shown_when_the_walk_has_made_them(folder, monkeypatch):
    monkeypatch.setattr(demo, "DEMO", ROOT / "var" / "demo")
    before = demo.addresses_text(given({"HTTP_PORT": "9000"}))
    (folder / "sign-ins.txt").write_text("操作员 operator: see file\n", encoding="utf-8")
    assert "http://127.0.0.1:9000" in before
    assert "operator" not in before
    assert "操作员 operator: see file" in demo.addresses_text(given({}))


@pytest.mark.parametrize("arguments", [[], ["nothing"]])
def test_a_part_that_is_none_is_answered_with_the_list(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "app.stack.part", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "web" in done.stderr
