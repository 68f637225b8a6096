"""The pip files say what uv.lock says, and uv.lock covers what pyproject.toml asks for. `make lock` mends all three."""

import re
import tomllib

import pytest

from app.stack.bootstrap import GROUPS
from app.stack.surroundings import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\;]+)")
HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


def read_lock():
    return tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]


def pinned(name):
    """{package: (version, digests)} of a pip file."""
    found = {}
    current = ""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if pin := PIN.match(line):
            current = pin[1]
            found[current] = (pin[2], set())
        if digest := HASH.search(line):
            found[current][1].add(digest[1])
    return found


@pytest.mark.parametrize("name", GROUPS.values())
def test_every_pin_is_the_locks_with_the_locks_digests(name):
    locked = {}
    for package in read_lock():
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        locked[package["name"], package["version"]] = {file["hash"] for file in files}
    pins = pinned(name)
    assert pins
    for package, (version, digests) in pins.items():
        assert digests == locked[package, version], f"{package}: run make lock"


@pytest.mark.parametrize("name", GROUPS.values())
def test_no_pip_file_names_an_index(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links|-f)\b", text, re.MULTILINE)


def test_the_lock_covers_what_pyproject_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (ours,) = [package for package in read_lock() if package["name"] == "tongban"]
    metadata = ours["metadata"]
    locked = {
        "run": {asked["name"] for asked in metadata["requires-dist"]},
        **{group: {asked["name"] for asked in listed} for group, listed in metadata["requires-dev"].items()},
    }
    asked = {"run": project["project"]["dependencies"], **project["dependency-groups"]}
    for group, requirements in asked.items():
        names = {re.split(r"[\[=<>~! ;]", text)[0].lower() for text in requirements}
        assert names == locked[group], "run make lock"
        assert names <= set(pinned(GROUPS[group])), "run make lock"


def test_our_own_pins_are_the_locks():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    versions = {package["name"]: package["version"] for package in read_lock() if "version" in package}
    for text in project["project"]["dependencies"] + project["dependency-groups"]["dev"]:
        name, _, version = re.sub(r"\[.*?\]", "", text).partition("==")
        if version:
            assert versions[name] == version, "run make lock"
