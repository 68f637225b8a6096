"""Whether a session's proofs are enough, and if not, how to get there. Called by every room that guards something."""

from collections.abc import Collection, Mapping
from typing import Final

from flask import has_request_context

from app.core.edge.problems import english
from app.core.errors import Problem
from app.core.principal import Principal
from config.assurance import LEVELS, METHODS

START: Final = "/v1/me/verifications"


def require(
    principal: Principal, level: int, max_age_s: int | None = None, methods: Collection[str] = tuple(METHODS)
) -> None:
    """Raise Problem assurance_too_low unless the session has a proof of `level`, at most `max_age_s` old.

    The refusal names the level needed and had, and the ways to it among `methods`, each with where to start it.
    """
    if principal.meets(level, max_age_s):
        return
    need: dict[str, object] = {"level": name_of(level)}
    if max_age_s is not None:
        need["max_age_s"] = max_age_s
    raise Problem(
        "assurance_too_low",
        detail={"need": need, "have": name_of(principal.level), "methods": ways(principal, level, methods)},
    )


def ways(principal: Principal, level: int, methods: Collection[str] = tuple(METHODS)) -> list[dict[str, object]]:
    """The methods that lead to `level` from where the session stands, first steps first."""
    leading = [name for name, method in METHODS.items() if method.level >= level and name in methods]
    needed = max((METHODS[name].needs for name in leading), default=0)
    steps = [
        name for name, method in METHODS.items()
        if principal.level < method.level <= needed and name not in leading and method.online
    ]  # fmt: skip
    return [way(name) for name in (*steps, *leading)]


def way(name: str) -> dict[str, object]:
    """One method as a refusal offers it."""
    method = METHODS[name]
    shown: dict[str, object] = {"method": name, "level": name_of(method.level)}
    if not method.online:
        return {**shown, "text": method.text_en if _in_english() else method.text_zh}
    shown |= {"start": {"method": "POST", "href": START, "body": {"method": name}}, "consent": method.consent}
    if method.needs > 1:
        shown["requires"] = name_of(method.needs)
    return shown


def name_of(level: int) -> str:
    """The level as the API writes it."""
    return f"L{level}"


def words_of(levels: Mapping[int, object]) -> tuple[str, str]:
    """The highest level and its name for people."""
    level = max(levels, default=1)
    return name_of(level), LEVELS[level].en if _in_english() else LEVELS[level].zh


def _in_english() -> bool:
    return has_request_context() and english()
