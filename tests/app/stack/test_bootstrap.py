"""The set-up: a sentence for every system it cannot work on, a stamp for the second run, pip where uv cannot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.stack import bootstrap
from app.stack.surroundings import ROOT

MODERN = (3, 12, 1)


@pytest.fixture
def clone(tmp_path):
    """A folder with locks and an environment that runs."""
    for name in ["uv.lock", *bootstrap.GROUPS.values()]:
        (tmp_path / name).write_text("pins\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / ".venv")], check=True)
    return tmp_path


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # in an environment it is a link, and writing through it would hit the real Python
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_fit_system_passes():
    bootstrap.refuse_unfit_system("linux", MODERN, "/usr/bin/python3")


@pytest.mark.parametrize("platform", ["darwin", "win32", "cygwin"])
def test_another_system_is_refused_by_name(platform):
    with pytest.raises(bootstrap.Refusal, match=f"run on Linux, and this is {platform}"):
        bootstrap.refuse_unfit_system(platform, MODERN, "python3")


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 6, 8), (2, 7, 18)])
def test_an_old_python_is_refused_with_the_package_and_the_variable(version):
    with pytest.raises(bootstrap.Refusal, match=r"3\.11 or newer.*apt install python3\.11 .*make demo PYTHON="):
        bootstrap.refuse_unfit_system("linux", version, "/usr/bin/python3")


def test_a_newer_python_on_path_is_taken_if_it_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bootstrap.newer_python((3, 9, 2)) is None
    script(tmp_path / "python3.13", "exit 127")  # a version manager's name that leads nowhere
    works = script(tmp_path / "python3.12", "exit 0")
    assert bootstrap.newer_python((3, 9, 2)) == str(works)
    assert bootstrap.newer_python(MODERN) is None


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_or_ensurepip_gets_a_sentence(monkeypatch, tmp_path, missing):
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None if name == missing else object())
    with pytest.raises(bootstrap.Refusal, match=r"lacks venv or ensurepip.*apt install python3\.\d+-venv"):
        bootstrap.make_empty(tmp_path)


def test_without_a_network_the_sentence_says_why_and_names_the_pip_setting(clone):
    script(
        clone / ".venv/bin/python",
        f'case "$*" in *install*) echo "ERROR: no route to host"; exit 1;; esac; echo {clone}/.venv',
    )
    with pytest.raises(bootstrap.Refusal, match=r"global\.index-url.*: ERROR: no route to host"):
        bootstrap.make_with_pip(clone, ["run"])


def test_pip_installs_by_digest_and_is_left_the_persons_configuration(clone, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "mine")
    monkeypatch.setenv("PIP_USER", "1")
    record = f'echo "$PIP_INDEX_URL $PIP_USER $*" >> {clone}/calls'
    script(clone / ".venv/bin/python", f'case "$*" in *install*) {record};; esac; echo {clone}/.venv')
    bootstrap.make_with_pip(clone, ["run", "dev"])
    (call,) = (clone / "calls").read_text().splitlines()
    assert call.startswith("mine 0 -m pip install")
    assert "--require-hashes" in call
    assert call.endswith(f"-r {clone}/requirements.txt -r {clone}/requirements-dev.txt")


def test_a_second_run_does_nothing_until_a_lock_a_group_or_the_place_changes(clone, monkeypatch):
    made = []
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _: None)
    monkeypatch.setattr(bootstrap, "make_with_pip", lambda _, groups: made.append(groups))
    bootstrap.make(clone, ["run"])
    bootstrap.make(clone, ["run"])
    assert made == [["run"]]
    bootstrap.make(clone, ["run", "dev"])
    assert made == [["run"], ["run", "dev"]]
    assert bootstrap.is_current(clone, ["run"])
    (clone / "uv.lock").write_text("other pins\n")
    assert not bootstrap.is_current(clone, ["run"])


def test_uv_is_asked_first_and_pip_when_uv_cannot(clone, monkeypatch, capsys):
    made = []
    monkeypatch.setenv("PATH", str(clone / "bin"))
    script(clone / "bin/uv", f'echo "$*" >> {clone}/uv-calls; exit 0')
    monkeypatch.setattr(bootstrap, "make_with_pip", lambda *_: made.append("pip"))
    bootstrap.make(clone, ["run", "dev"])
    assert made == []
    assert "sync --frozen --inexact" in (clone / "uv-calls").read_text()
    assert "--group dev" in (clone / "uv-calls").read_text()
    script(clone / "bin/uv", "echo 'error: no index' >&2; exit 2")
    bootstrap.make(clone, ["run"])
    assert made == ["pip"]
    assert "pip will try: error: no index" in capsys.readouterr().err


def test_an_environment_that_was_moved_is_not_taken_for_ours(clone, tmp_path):
    assert bootstrap.is_usable(clone)
    script(clone / ".venv/bin/python", "echo /elsewhere/.venv")
    assert not bootstrap.is_usable(clone)
    (clone / ".venv/bin/python").unlink()
    assert not bootstrap.is_usable(clone)


def test_an_unknown_group_is_a_sentence(capsys):
    assert bootstrap.main(["everything"]) == 1
    assert "no group everything" in capsys.readouterr().err


def test_a_full_disk_is_a_sentence(monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bootstrap, "make", full)
    assert bootstrap.main(["run"]) == 1
    assert "No space left on device" in capsys.readouterr().err


def test_it_needs_the_standard_library_only():
    code = "import json, runpy, sys; runpy.run_path('app/stack/bootstrap.py'); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tops = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert tops - set(sys.stdlib_module_names) <= {"__main__"}
