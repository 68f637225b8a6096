r"""I2: digits are ASCII digits, patterns end where the text ends, and none can run away.

Read from the source: every pattern given to `re` or to a validator. `\d`, `\w` and `\s` match far more than ASCII in str
patterns, `$` matches before a newline, and a repeat inside a repeat is where backtracking explodes.
"""

import ast
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from re import _constants as sre
from re import _parser
from typing import Any

import pytest

from app.core import chinaid
from tests.support.source import Module, module, modules
from tests.support.whole_town import whole_app

__all__ = ["whole_app"]

# What plays a platform or starts servers reads its own words and a developer's, never a citizen's.
APART = ("app.stack", "app.sandbox", "app.platforms.wechat.stand_in", "app.platforms.province.stand_in")
CALLS = {"compile", "match", "fullmatch", "search", "findall", "finditer", "sub", "split", "Regexp"}
ZEROS = [chr(point) for point in range(0x80, 0x1FBFF) if unicodedata.decimal(chr(point), None) == 0]
NUMBER = "990101199003070015"


def patterns(of: Module) -> Iterator[tuple[str | bytes, int]]:
    """Literal patterns of this module and their lines; parts of an f-string that are not literal count as `x`."""
    for node in ast.walk(of.tree):
        if isinstance(node, ast.Call) and node.args and _is_pattern_call(node):
            literal = _literal(node.args[0])
            if literal is not None:
                yield literal, node.lineno


def _is_pattern_call(node: ast.Call) -> bool:
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    owner = getattr(getattr(node.func, "value", None), "id", "")
    return name in CALLS and (owner == "re" or name == "Regexp")


def _literal(node: ast.expr) -> str | bytes | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    return None


def runs_away(pattern: str | bytes) -> bool:
    """Whether an unbounded repeat holds a repeat of unfixed length, and no character marks where one round ends."""
    outer = (inner for _, most, inner in _repeats(_parser.parse(pattern)) if most == sre.MAXREPEAT)
    return any(_unfixed(round_) and not _marked(round_) for round_ in outer)


def _repeats(tree) -> Iterator[tuple[int, int, Any]]:
    for operation, argument in tree:
        if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            yield argument
            yield from _repeats(argument[2])
        elif operation is sre.SUBPATTERN:
            yield from _repeats(argument[3])
        elif operation is sre.BRANCH:
            for branch in argument[1]:
                yield from _repeats(branch)


def _unfixed(tree) -> bool:
    return any(least != most for least, most, _ in _repeats(tree))


def _marked(tree) -> bool:
    """`(?:[a-z]+,)+`: the comma cannot be part of what repeats, so there is one way only to cut the text in rounds."""
    items = _bare(tree)
    marks = {item[1] for item in (items[0], items[-1]) if item[0] is sre.LITERAL}
    return any(not any(_matches(inner, mark) for *_, inner in _repeats(tree)) for mark in marks)


def _bare(tree) -> list[Any]:
    items = list(tree)
    while len(items) == 1 and items[0][0] is sre.SUBPATTERN:
        items = list(items[0][1][3])
    return items


def _matches(tree, char: int) -> bool:
    for operation, argument in tree:
        if operation is sre.LITERAL and argument == char:
            return True
        if operation is sre.IN and any(_in_set(part, char) for part in argument):
            return True
        inner = argument[3] if operation is sre.SUBPATTERN else argument[2] if operation is sre.MAX_REPEAT else ()
        if _matches(inner, char):
            return True
        if operation not in (sre.LITERAL, sre.IN, sre.SUBPATTERN, sre.MAX_REPEAT):
            return True  # not looked into: better a false alarm
    return False


def _in_set(part, char: int) -> bool:
    kind, value = part
    return kind not in (sre.LITERAL, sre.RANGE) or value == char or (kind is sre.RANGE and value[0] <= char <= value[1])


def faults(of: Module) -> list[str]:
    found = []
    for pattern, line in patterns(of):
        text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
        wide = isinstance(pattern, str) and re.search(r"(?<!\\)(?:\\\\)*\\[dDwWsSbB]", text) and "(?a" not in text
        loose = re.search(r"(?<!\\)\$\Z", text)
        if wide or loose or runs_away(pattern):
            found.append(f"{of.path}:{line} {text}")
    return found


def test_I2_there_are_patterns_to_judge():
    assert sum(1 for one in modules() for _ in patterns(one)) > 40


def test_I2_every_pattern_is_ascii_ends_with_its_text_and_cannot_run_away():
    assert [fault for one in modules() if not one.name.startswith(APART) for fault in faults(one)] == []


@pytest.mark.parametrize(
    "planted", [r"\d{6}", r"[0-9]+$", r"(a+)+\Z", r"(?:[a-z]+,?)*\Z", r"\w+", r"(x|y{1,3})+", r"(?:[a-z,]+,)+"]
)
def test_I2_a_planted_pattern_is_found(planted):
    assert faults(module("handlers.x", f"import re\nP = re.compile({planted!r})"))


@pytest.mark.parametrize(
    "fine", [r"[0-9]{6}", r"\A[a-z]+\Z", r"(?:ab)+", r"[a-z]+(?:_[a-z0-9]){0,3}", r"(?:[a-z]+,)+\Z"]
)
def test_I2_an_honest_pattern_passes(fine):
    assert faults(module("handlers.x", f"import re\nP = re.compile({fine!r})")) == []


def in_digits_of(zero: str, text: str) -> str:
    return "".join(chr(ord(zero) + int(char)) if char.isdigit() else char for char in text)


@pytest.mark.parametrize("zero", ZEROS, ids=[f"U+{ord(zero):04X}" for zero in ZEROS])
def test_I2_no_other_script_s_digits_are_a_number(whole_app, zero):
    with pytest.raises(chinaid.BadIdNumber) as refused:
        chinaid.read_id_number(in_digits_of(zero, NUMBER), date(2026, 11, 23))
    assert refused.value.reason == "shape"
    client, headers = whole_app.test_client(), {"X-App": "wechat/wx0123456789abcdef"}
    for query in ({"limit": in_digits_of(zero, "20")}, {"region": in_digits_of(zero, "990000000000")}):
        answer = client.get("/v1/items", query_string=query, headers=headers)
        assert answer.status_code == 422, query


@pytest.mark.parametrize("tail", ["\n", "\r\n", "\u2028", "\x00", " ", "\u3000"])
def test_I2_what_follows_a_number_is_part_of_it(whole_app, tail):
    client, headers = whole_app.test_client(), {"X-App": "wechat/wx0123456789abcdef"}
    answer = client.get("/v1/items", query_string={"region": f"990000000000{tail}"}, headers=headers)
    assert answer.status_code in (400, 422)
    if tail != " ":
        with pytest.raises(chinaid.BadIdNumber):
            chinaid.read_id_number(NUMBER + tail, date(2026, 11, 23))
