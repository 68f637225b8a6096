"""Make `.venv`: what `make` runs before anything else, with the system's own Python and its standard library only.

    python3 app/stack/bootstrap.py run [dev] [bench]

uv builds it from uv.lock where uv is at hand; otherwise, or if uv cannot reach its index (it ignores pip's
configuration), pip does from the hash-pinned requirements*.txt, wherever the person's pip configuration points. A
second run only compares a stamp.

Written so that Python 3.6 still reads it (newer annotations in quotes, no newer syntax): on an old Python it must say
a sentence, not fall over. It never installs anything outside the clone.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
NEWER_NAMES = ("python3.14", "python3.13", "python3.12", "python3.11")
ROOT = Path(__file__).resolve().parent.parent.parent
# What can be asked for, and the file that pins it for pip.
GROUPS = {"run": "requirements.txt", "dev": "requirements-dev.txt", "bench": "requirements-bench.txt"}


class Refusal(Exception):
    """Something the person who typed the command can mend."""


def refuse_unfit_system(platform: str, version: "tuple[int, ...]", executable: str) -> None:
    """Raise Refusal on a system this cannot work on."""
    if not platform.startswith("linux"):
        raise Refusal(
            f"Tongban's demo and tests run on Linux, and this is {platform}: use a Linux machine or a Linux container."
        )
    if tuple(version[:2]) < OLDEST:
        told = ".".join(str(part) for part in version[:3])
        raise Refusal(
            f"Tongban needs Python 3.11 or newer, and {executable} is {told}: install a newer one "
            "(Debian, Ubuntu: apt install python3.11 python3.11-venv; RHEL and kin: yum install python3.11), "
            "or name one: make demo PYTHON=/path/to/python3.11."
        )


def newer_python(version: "tuple[int, ...]") -> "str | None":
    """A new enough Python under its own name on PATH, when the one called `python3` is too old."""
    if tuple(version[:2]) >= OLDEST:
        return None
    for name in NEWER_NAMES:
        path = shutil.which(name)
        # It is asked, not trusted: version managers put names on PATH that lead nowhere.
        if path and _succeeds([path, "-c", ""]):
            return path
    return None


def digest(root: Path, groups: "list[str]") -> str:
    """What the environment must hold: the locks, the groups, the Python in it and the place it was made for."""
    summed = hashlib.sha256(" ".join([str(root), *groups]).encode())
    for name in ["uv.lock", *(GROUPS[group] for group in groups), ".venv/pyvenv.cfg"]:
        path = root / name
        if path.exists():
            summed.update(name.encode() + path.read_bytes())
    return summed.hexdigest()


def stamp_path(root: Path, groups: "list[str]") -> Path:
    return root / ".venv" / f".made-for-{'-'.join(groups)}"


def python_of(root: Path) -> Path:
    return root / ".venv" / "bin" / "python"


def is_current(root: Path, groups: "list[str]") -> bool:
    stamp = stamp_path(root, groups)
    return stamp.is_file() and python_of(root).exists() and stamp.read_text() == digest(root, groups)


def is_usable(root: Path) -> bool:
    """Whether `.venv` holds a Python that runs, is new enough and believes it lives here (a moved clone's does not)."""
    if not python_of(root).exists():
        return False
    question = f"import sys; print(sys.prefix); sys.exit(sys.version_info < {OLDEST!r})"
    asked = subprocess.run([str(python_of(root)), "-c", question], capture_output=True, text=True, check=False)
    return asked.returncode == 0 and Path(asked.stdout.strip()).resolve() == (root / ".venv").resolve()


def make_with_uv(root: Path, groups: "list[str]", uv: str) -> bool:
    """Whether uv could; why not is shown."""
    python = str(python_of(root)) if is_usable(root) else sys.executable
    command = [uv, "sync", "--frozen", "--inexact", "--quiet", "--no-default-groups", "--python", python]
    for group in groups:
        command += [] if group == "run" else ["--group", group]
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(command, cwd=str(root), env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        say(f"uv could not make the environment, pip will try: {reason(done.stderr)}")
    return done.returncode == 0


def make_with_pip(root: Path, groups: "list[str]") -> None:
    """Raise Refusal when pip cannot, saying why."""
    python = str(python_of(root))
    if not is_usable(root):
        shutil.rmtree(str(root / ".venv"), ignore_errors=True)
        make_empty(root)
    elif not _succeeds([python, "-c", "import pip"]):
        _run([python, "-m", "ensurepip", "--default-pip"], "pip could not be put into .venv")
    install = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "--disable-pip-version-check"]
    for group in groups:
        install += ["-r", str(root / GROUPS[group])]
    _run(
        install,
        "pip could not install what Tongban needs; check the network, or point pip at your package index "
        "(pip config set global.index-url ...)",
    )


def make_empty(root: Path) -> None:
    # Debian cuts both out of the standard library.
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise Refusal(
            f"{sys.executable} cannot make virtual environments (it lacks venv or ensurepip): install them "
            f"(Debian, Ubuntu: apt install {package}), or install uv."
        )
    _run([sys.executable, "-m", "venv", str(root / ".venv")], "the virtual environment could not be made")


def _run(command: "list[str]", trouble: str) -> None:
    # pip's configuration is the person's own and stays; only "install for the user" cannot be meant in here.
    environment = dict(os.environ, PIP_USER="0")
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise Refusal(f"{trouble}: {reason(done.stdout)}")


def _succeeds(command: "list[str]") -> bool:
    return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def reason(said: str) -> str:
    """The line that says why: pip's and uv's last error, else their last word."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["no reason given"])[-1]


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def make(root: Path, groups: "list[str]") -> None:
    """Bring `.venv` to what the locks say. Raises Refusal."""
    if is_current(root, groups):
        return
    say("Making the environment in .venv (the first time takes a minute) ...")
    uv = shutil.which("uv")
    if uv is None or not make_with_uv(root, groups, uv):
        make_with_pip(root, groups)
    stamp_path(root, groups).write_text(digest(root, groups))


def known(groups: "list[str]") -> "list[str]":
    for group in groups:
        if group not in GROUPS:
            raise Refusal(f"there is no group {group} to set up: take of {', '.join(GROUPS)}.")
    return groups


def main(arguments: "list[str]") -> int:
    try:
        newer = newer_python(sys.version_info[:3])
        if newer is not None:
            os.execv(newer, [newer, str(Path(__file__).resolve()), *arguments])  # noqa: S606  (itself, without a shell)
        refuse_unfit_system(sys.platform, sys.version_info[:3], sys.executable)
        make(ROOT, known(arguments or ["run"]))
    except Refusal as refusal:
        say(str(refusal))
        return 1
    except KeyboardInterrupt:
        say("Stopped; the next run goes on from here.")
        return 130
    except OSError as error:
        say(f"The environment in .venv could not be made: {error}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
