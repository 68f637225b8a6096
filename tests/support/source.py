"""The project's own source as syntax trees, for tests of whole-app truths."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STOREYS = ("handlers", "notifications", "identity", "app", "config")  # arrows point down


@dataclass(frozen=True)
class Module:
    """One file: `name` as imported, `path` from the root."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


def module(name: str, text: str, path: Path | None = None) -> Module:
    """A module from its text; without a path one that never was on disk, for planting faults."""
    return Module(name, path or Path(f"{name.replace('.', '/')}.py"), text, ast.parse(text))


@lru_cache(maxsize=1)
def modules() -> tuple[Module, ...]:
    """Every module of the five storeys, without migrations (they are run by file, never imported)."""
    found = [ROOT / "wsgi.py", *(path for storey in STOREYS for path in sorted((ROOT / storey).rglob("*.py")))]
    return tuple(_read(path) for path in found if "versions" not in path.parts)


def _read(path: Path) -> Module:
    short = path.relative_to(ROOT)
    name = ".".join(short.with_suffix("").parts).removesuffix(".__init__")
    return module(name, path.read_text(encoding="utf-8"), short)


def imports(of: Module) -> Iterator[tuple[str, ast.stmt]]:
    """Every imported name, absolute: `from a import b` gives both a and a.b, of which the second may be no module."""
    for node in ast.walk(of.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(of, node)
            yield base, node
            yield from ((f"{base}.{alias.name}", node) for alias in node.names)


def _absolute(of: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = of.name.split(".")
    kept = parts[: len(parts) - node.level + of.is_package]
    return ".".join([*kept, *([node.module] if node.module else [])])


def strings(of: Module) -> Iterator[str]:
    for node in ast.walk(of.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
