"""docs/security-tests.md: every id has a row, every test it names exists, every file of tests/security is on it."""

import ast
import re
from functools import lru_cache

from tests.support.source import ROOT

SHEET = ROOT / "docs" / "security-tests.md"
TESTS = ROOT / "tests"
ROW = re.compile(r"\| ([A-Z0-9]+) \| ([^|]+) \| ([^|]+) \|")
NAMED = re.compile(r"`([a-z0-9_/A-Z]+\.py)(?:::(test_[A-Za-z0-9_]+))?`")
ASKED = [
    *(f"L{n}" for n in range(1, 10)), *(f"V{n}" for n in range(1, 9)), *(f"C{n}" for n in range(1, 8)),
    *(f"X{n}" for n in range(4, 13)), "D1", "D3", "D5", "D6", *(f"I{n}" for n in range(1, 7)), "S2", "S3",
]  # fmt: skip


def rows() -> dict[str, list[tuple[str, str]]]:
    """Id -> the tests of its row, as (file, name)."""
    return {
        found[1]: NAMED.findall(found[3])
        for line in SHEET.read_text("utf-8").splitlines()
        if (found := ROW.match(line))
    }


@lru_cache(maxsize=256)
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def missing(named: list[tuple[str, str]]) -> list[str]:
    return [
        f"{path}::{name}"
        for path, name in named
        if not (TESTS / path).is_file() or (name and name not in functions(path))
    ]


def test_every_id_has_a_row_and_every_row_has_tests():
    found = rows()
    assert [one for one in ASKED if one not in found] == []
    assert [one for one, named in found.items() if not named or not all(name for _, name in named)] == []


def test_every_test_on_the_sheet_exists():
    assert missing(NAMED.findall(SHEET.read_text("utf-8"))) == []


def test_a_planted_name_is_missed():
    assert missing([("security/test_I1_json.py", "test_nobody_wrote"), ("security/test_nothing.py", "test_x")]) != []


def test_every_file_of_security_tests_is_on_the_sheet():
    on_it = {path for path, _ in NAMED.findall(SHEET.read_text("utf-8"))}
    files = {f"security/{path.name}" for path in (TESTS / "security").glob("test_*.py")}
    assert sorted(files - on_it) == []
