"""I2: a digit is 0 to 9, a pattern has an end, and no pattern of ours can be made to run for ever."""

import ast
import re
from collections.abc import Iterator
from re import _constants as codes  # the standard library's own parser of patterns
from re import _parser as parser
from typing import Any

import pytest

from app.core import heads
from tests.support.source import Module, module, modules

READERS = {f"re.{name}" for name in ("compile", "match", "search", "fullmatch", "sub", "split", "findall", "finditer")}
READERS |= {"validate.Regexp"}
REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT}
# Read what we made or were configured with, or play a platform with its own rules: never a caller's text.
ELSEWHERE = ("app.stack", "config.settings", "app.platforms.wechat.stand_in")
# Linear although a repeat stands in a repeat: every turn of the outer one begins with a character the inner one refuses.
LINEAR = {
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?",
    r"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)*/?",
    heads._HEAD.pattern,
}
WIDE = "９９００００００００００"  # full-width digits, which `\d` and int() take for the real ones
ARABIC = "٣"


def patterns(one: Module) -> Iterator[tuple[str | bytes, int]]:
    """Every literal pattern of a module."""
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in READERS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str | bytes):
                yield first.value, node.lineno


def parts(tree: Any, outer: tuple[bool, ...] = ()) -> Iterator[tuple[object, object, tuple[bool, ...]]]:
    """Every operation of a parsed pattern with its argument and the operations around it."""
    for op, argument in tree:
        yield op, argument, outer
        for inner in argument if isinstance(argument, tuple | list) else [argument]:
            if isinstance(inner, parser.SubPattern):
                yield from parts(inner, (*outer, turns(op, argument)))
            elif op is codes.BRANCH and isinstance(inner, list):
                for way in inner:
                    yield from parts(way, outer)


def turns(op: object, argument: tuple[int, ...]) -> bool:
    """Whether an operation may go round more than once."""
    return op in REPEATS and argument[1] > 1


def faults(pattern: str | bytes) -> Iterator[str]:
    for op, argument, outer in parts(parser.parse(pattern)):
        if op is codes.AT and argument is codes.AT_END:
            yield "$ also matches before a last newline: use fullmatch or \\Z"
        if isinstance(pattern, str) and op is codes.IN and any(kind is codes.CATEGORY for kind, _ in argument):
            yield "\\d, \\w and \\s take digits, letters and spaces of every script"
        if op in REPEATS and argument[1] is codes.MAXREPEAT and any(outer) and pattern not in LINEAR:
            yield "an endless repeat inside a repeat may backtrack for ever"


def found(them: Iterator[Module] | tuple[Module, ...]) -> list[str]:
    return [
        f"{one.path}:{line} {pattern!r}: {fault}"
        for one in them
        if not one.name.startswith(ELSEWHERE)
        for pattern, line in patterns(one)
        for fault in faults(pattern)
    ]


def test_no_pattern_takes_other_scripts_digits_stops_early_or_runs_away():
    assert found(modules()) == []


def test_the_scan_sees_the_patterns():
    assert sum(1 for one in modules() for _ in patterns(one)) > 50


@pytest.mark.parametrize("pattern", [r"\d{12}", r"[\w-]+", r"[0-9]{12}$", r"(a+)+", r"(?:x|[a-z]*)*y"])
def test_a_planted_pattern_is_found(pattern):
    assert found((module("identity.x", f"import re\nre.compile({pattern!r})"),))


def test_what_is_called_linear_does_not_backtrack():
    """Ten thousand characters that fail at their very end: exponential matching would never come back."""
    for pattern in LINEAR:
        for turn in ("a.", "/a", "a" * 40 + ":", "HTTP/1.1 200 \r\n" + "a:\r\n"):
            text = turn * 5_000 + "\x00"
            assert re.fullmatch(pattern, text.encode() if isinstance(pattern, bytes) else text) is None


@pytest.mark.parametrize("limit", [ARABIC, "３", "1_0", "%2B5", "-1", "%205", "5%0A", "1e1", "0x5", "9" * 400])
def test_a_page_size_is_ascii_digits(mini, limit):
    answer = mini().send("GET", f"/v1/cases?limit={limit}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
    assert [error["field"] for error in answer.json["errors"]] == ["limit"]


@pytest.mark.parametrize("region", [WIDE, "99000000000" + ARABIC, "990000000000\n", " 990000000000", "99000000000"])
def test_a_region_is_twelve_ascii_digits(mini, region):
    body = {"item_code": "99-l2", "accept_region": region, "form": {}}
    answer = mini("openid-a", level=2).send("POST", "/v1/cases", body, Idempotency_Key="region-0001")
    assert (answer.status_code, answer.json["errors"]) == (422, [{"field": "accept_region", "code": "format"}])


@pytest.mark.parametrize(
    "number",
    ["９９０１０１１９９００３０７００１５", "99010119900307001٥", "990101199003070015\n", "9901011990030700150"],
)
def test_an_id_number_is_what_the_authority_reads(mini, town, number):
    caller = mini()
    caller.consent("real_name")
    asked = town.calls["two_factor"]
    answer = caller.prove({"method": "real_name", "name": "李明", "id_number": number})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
    assert town.calls["two_factor"] == asked
