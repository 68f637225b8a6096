"""Every problem code in the code is in the table, and every row of the table is used."""

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus

from config.problems import PROBLEMS
from tests.support.source import Module, module, modules, strings

TABLE = "config.problems"


def raised(one: Module) -> Iterator[tuple[str, int]]:
    """Codes given literally to Problem(...)."""
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Problem":
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant):
                yield str(first.value), node.lineno


def test_every_code_raised_is_in_the_table():
    assert [
        f"{one.path}:{line} {code}" for one in modules() for code, line in raised(one) if code not in PROBLEMS
    ] == []


def test_every_code_of_the_table_is_used():
    used = {text for one in modules() if one.name != TABLE for text in strings(one)}
    assert sorted(set(PROBLEMS) - used) == []


def test_a_planted_code_is_found():
    planted = module("handlers.x", "raise errors.Problem('no_such_code')")
    assert list(raised(planted)) == [("no_such_code", 1)]


def test_codes_are_lower_snake_and_statuses_are_refusals():
    assert [code for code in PROBLEMS if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", code)] == []
    assert [code for code, text in PROBLEMS.items() if HTTPStatus(text.status) < HTTPStatus.BAD_REQUEST] == []


def test_sentences_are_chinese_and_english_and_end():
    for code, text in PROBLEMS.items():
        assert re.search(r"[\u4e00-\u9fff]", text.zh), code
        assert text.en.isascii(), code
        assert text.zh.endswith(("。", "？")), code
        assert text.en.endswith((".", "?")), code
