"""The stand-ins share no code with the clients they check: what both believed would be what both got wrong."""

import pytest

from config.platforms import AUTHORITIES, CALLBACKS, CHANNELS, STAND_INS
from tests.support.source import Module, imports, module, modules

NEUTRAL = ("app.platforms.bench", "app.platforms.personas", "config")


def is_stand_in(name: str) -> bool:
    parts = name.split(".")
    return name.startswith("app.sandbox") or (
        name.startswith("app.platforms.") and {"sandbox", "stand_in"} & set(parts)
    )


def within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def rooms_open_to(name: str) -> tuple[str, ...]:
    if name.startswith("app.sandbox"):
        return (*NEUTRAL, "app.sandbox")
    return (*NEUTRAL, f"{'.'.join(name.split('.')[:3])}.stand_in")


def leaning(one: Module) -> list[str]:
    """Imports of ours that this stand-in module may not have."""
    ours = ("app", "config", "identity", "handlers", "notifications")
    return [
        f"{one.path}:{node.lineno} imports {target}"
        for target, node in imports(one)
        if within(target, ours) and target != "app" and not within(target, rooms_open_to(one.name))
    ]


def test_no_stand_in_leans_on_a_client_or_on_the_core():
    assert [line for one in modules() if is_stand_in(one.name) for line in leaning(one)] == []


def test_no_production_module_leans_on_a_stand_in():
    found = [
        f"{one.path}:{node.lineno} imports {target}"
        for one in modules()
        if not is_stand_in(one.name)
        for target, node in imports(one)
        if is_stand_in(target) or target == "app.platforms.personas"
    ]
    assert found == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.platforms.wechat.sandbox", "from app.platforms.wechat.client import read"),
        ("app.platforms.wechat.stand_in.push", "from app.platforms.wechat import pushcrypt"),
        ("app.platforms.wechat.stand_in.push", "from app.core.crypto import same"),
        ("app.platforms.province.stand_in.wire", "from app.platforms.schemes import tif"),
        ("app.platforms.province.stand_in.wire", "from app.platforms.wechat.stand_in import push"),
        ("app.sandbox.relay", "from app.core import http"),
    ],
)
def test_a_planted_import_is_seen(name, text):
    assert leaning(module(name, text))


def test_every_platform_has_a_stand_in():
    assert set(CHANNELS) | set(AUTHORITIES) | set(CALLBACKS) == set(STAND_INS)
