"""design.md 6: the stand-in's checks import none of the client's signing code, and the client none of the stand-in."""

import ast
from pathlib import Path

import pytest

PROVINCE = Path(__file__).parents[5] / "app" / "platforms" / "province"
STAND_IN = sorted([*(PROVINCE / "stand_in").glob("*.py"), PROVINCE / "sandbox.py"])
CLIENT = sorted(path for path in PROVINCE.glob("*.py") if path.name != "sandbox.py")
ITS_OWN = ("app.platforms.bench", "app.platforms.personas", "app.platforms.province.stand_in")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_there_is_something_to_look_at():
    assert len(STAND_IN) > 5
    assert len(CLIENT) > 5


@pytest.mark.parametrize("path", STAND_IN, ids=lambda path: path.name)
def test_the_stand_in_stands_alone(path):
    ours = [name for name in imports(path) if name.split(".")[0] in {"app", "config", "identity", "handlers"}]
    assert [name for name in ours if not name.startswith(ITS_OWN)] == []


@pytest.mark.parametrize("path", CLIENT, ids=lambda path: path.name)
def test_the_client_knows_no_sandbox(path):
    assert [name for name in imports(path) if "stand_in" in name or "sandbox" in name or "bench" in name] == []
