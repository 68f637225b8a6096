"""Arrows point down: the storeys, the rooms inside them, and no circle anywhere. lint-imports says the same in `make check`;
this says it in the suite, and that it can fail is tested too."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.support.source import STOREYS, Module, imports, module, modules

# From the roof down. Inside a row of several, none may import another.
LADDERS = (
    tuple((storey,) for storey in STOREYS),
    (
        ("handlers.console", "handlers.cli", "handlers.callbacks", "handlers.health", "handlers.docs"),
        ("handlers.catalogue", "handlers.gateway", "handlers.cases"),
    ),
    (("app.sandbox",), ("app.platforms",), ("app.core",)),
)
# The doors below another door: operations' paths share one proof of the internal bind.
BESIDE = {("handlers.docs", "handlers.health")}


def room_of(name: str, ladder: tuple[tuple[str, ...], ...]) -> tuple[int, str] | None:
    for floor, rooms in enumerate(ladder):
        for room in rooms:
            if name == room or name.startswith(f"{room}."):
                return floor, room
    return None


def upward(found: Iterable[Module]) -> Iterator[str]:
    for one in found:
        for target, node in imports(one):
            for ladder in LADDERS:
                here, there = room_of(one.name, ladder), room_of(target, ladder)
                if here and there and here[1] != there[1] and there[0] <= here[0] and (here[1], there[1]) not in BESIDE:
                    yield f"{one.path}:{node.lineno} imports {target}"


def circles(found: Iterable[Module]) -> list[list[str]]:
    """Chains of modules that import each other, by depth-first search over module-level names."""
    known = {one.name for one in found}
    targets = {one.name: {name for name, _ in imports(one) if name in known and name != one.name} for one in found}
    # importing a.b.c runs a and a.b first, but a package whose __init__ gathers its parts is no circle of theirs
    for name, wanted in targets.items():
        wanted -= {other for other in wanted if name.startswith(f"{other}.")}
    seen: dict[str, str] = {}
    rings: list[list[str]] = []

    def visit(name: str, trail: list[str]) -> None:
        seen[name] = "open"
        for other in sorted(targets[name]):
            if seen.get(other) == "open":
                rings.append([*trail[trail.index(other) :], other] if other in trail else [name, other])
            elif other not in seen:
                visit(other, [*trail, other])
        seen[name] = "done"

    for name in sorted(targets):
        if name not in seen:
            visit(name, [name])
    return rings


def inner_imports(found: Iterable[Module]) -> Iterator[str]:
    for one in found:
        for node in ast.walk(one.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Import | ast.ImportFrom):
                        yield f"{one.path}:{inner.lineno} imports inside {node.name}"


def test_no_import_points_upwards_or_sideways():
    assert list(upward(modules())) == []


def test_no_modules_import_each_other_in_a_circle():
    assert circles(modules()) == []


def test_no_import_hides_inside_a_function():
    assert list(inner_imports(modules())) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.core.db", "from identity import staff"),
        ("identity.login", "import handlers.gateway.road"),
        ("config.settings", "from app.core import clock"),
        ("app.core.http", "from app.platforms.wechat import client"),
        ("app.platforms.province.client", "from app.sandbox import journal"),
        ("handlers.cases.citizens", "from handlers.gateway import services"),
        ("handlers.gateway.road", "from handlers.cli import staff"),
        ("handlers.callbacks", "from handlers import cli"),
    ],
)
def test_a_planted_upward_import_is_found(name, text):
    assert list(upward([module(name, text)]))


def test_a_planted_circle_and_a_planted_hidden_import_are_found():
    ring = [module("identity.a", "from identity import b"), module("identity.b", "import identity.a")]
    assert circles(ring) == [["identity.a", "identity.b", "identity.a"]]
    assert list(inner_imports([module("identity.a", "def f():\n    import json\n")]))
