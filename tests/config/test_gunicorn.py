"""The web server's settings: two listeners, nothing in the home folder, no query strings in a log, clean metrics."""

import os
import runpy
import subprocess
import sys

import pytest

from app.stack.surroundings import ROOT
from config.settings import get_settings


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("TB_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    get_settings.cache_clear()
    yield runpy.run_path(str(ROOT / "config" / "gunicorn.py"))
    get_settings.cache_clear()


def test_public_and_internal_are_two_listeners_on_this_machine(loaded):
    settings = get_settings()
    assert loaded["bind"] == [f"127.0.0.1:{settings.http_port}", f"127.0.0.1:{settings.internal_port}"]


def test_it_opens_no_control_socket_and_writes_no_access_log(loaded):
    assert loaded["control_socket_disable"] is True
    assert loaded["accesslog"] is None


def test_heads_are_limited(loaded):
    assert loaded["limit_request_line"] <= 8190
    assert loaded["limit_request_fields"] <= 100
    assert loaded["limit_request_field_size"] <= 8190


def test_numbers_of_an_earlier_run_are_removed_at_the_start(loaded, tmp_path):
    old = tmp_path / "metrics" / "counter_1.db"
    old.parent.mkdir()
    old.write_bytes(b"")
    loaded["on_starting"](None)
    assert old.parent.is_dir()
    assert not old.exists()
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "metrics")


def test_every_setting_is_one_gunicorn_knows(loaded):
    from gunicorn.config import KNOWN_SETTINGS  # noqa: PLC0415  (its import reads the command line's defaults)

    known = {setting.name for setting in KNOWN_SETTINGS}
    simple = {
        name for name, value in loaded.items() if isinstance(value, (bool, int, str, list)) and not name.startswith("_")
    }
    assert simple - {"accesslog", "errorlog"} <= known


def test_the_processes_count_together(tmp_path):
    """In a process of its own: prometheus_client decides once, while it is imported."""
    script = "import runpy; runpy.run_path('config/gunicorn.py'); from prometheus_client import values; print(values.ValueClass)"
    env = os.environ | {"TB_VAR_DIR": str(tmp_path)}
    env.pop("PROMETHEUS_MULTIPROC_DIR", None)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert "Mmaped" in done.stdout
