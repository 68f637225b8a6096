"""Promises about the text itself: no unfinished marks, no silent handlers, no unexplained exceptions to the linters."""

import ast
import re
from pathlib import Path

from tests.support.source import ROOT, modules

LONGEST = 400
SELF = Path(__file__)
TREES = ("app", "config", "handlers", "identity", "notifications", "tests", "bench")
# Spelled in parts, so that this file does not find itself.
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")))
SKIPPING = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")
UNREASONED = re.compile(r"#\s*noqa(?!: [A-Z0-9, ]+  \S)|#\s*type: ignore(?!\[[a-z, -]+\]  # \S)")
FOREIGN = re.compile(r"/wo" + r"rk/|/tm" + r"p/tb")


def texts():
    for tree in TREES:
        for path in sorted((ROOT / tree).rglob("*.py")):
            if path != SELF:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def found(pattern):
    return [
        f"{path}:{number} {line.strip()}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_nothing_is_left_unfinished():
    assert found(UNFINISHED) == []


def test_no_test_is_skipped_or_expected_to_fail():
    assert found(SKIPPING) == []


def test_every_exception_to_a_linter_gives_its_reason():
    assert found(UNREASONED) == []


def test_no_path_of_a_machine_we_were_written_on():
    assert found(FOREIGN) == []


def test_no_module_is_longer_than_can_be_read():
    assert [f"{one.path}: {lines}" for one in modules() if (lines := one.text.count("\n")) > LONGEST] == []


def test_no_module_is_a_drawer_for_anything():
    assert [one.path for one in modules() if one.path.stem in {"utils", "helpers", "common", "misc"}] == []


def test_every_module_says_what_it_is_for():
    assert [one.path for one in modules() if one.text.strip() and not ast.get_docstring(one.tree)] == []


def test_no_handler_swallows_everything():
    silent = [
        f"{one.path}:{node.lineno}"
        for one in modules()
        for node in ast.walk(one.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"})
        and all(isinstance(step, ast.Pass) for step in node.body)
    ]
    assert silent == []
