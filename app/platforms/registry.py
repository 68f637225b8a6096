"""Hands out capabilities by name, so that no room imports a platform's folder.

Convention: `config.platforms` says which folder answers; inside it, a fixed module holds a fixed name.

    login(channel)        <folder>.login      LOGIN      base.Login
    messages(channel)     <folder>.messages   MESSAGES   base.Messages
    face(channel)         <folder>.certify    FACE       base.FaceFlow
    province()            <folder>.authority  AUTHORITY  base.Province
    verifier(platform)    <callbacks module>  verify(Inbound) -> PlatformEvent
    answer_probe(platform) <callbacks module> answer_probe(Inbound) -> bytes   (absent: the platform has no probe)

The objects are stateless and shared by threads. Asking for a name that is not switched on raises KeyError: routes and
schemas check names against the same tables first.
"""

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any, cast

from app.core.inbound import Inbound
from app.platforms.base import FaceFlow, Login, Messages, PlatformEvent, Province
from config import platforms

PROVINCE = "province"


@lru_cache(maxsize=64)
def _offered(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def login(channel: str) -> Login:
    return cast("Login", _offered(f"{platforms.CHANNELS[channel]}.login", "LOGIN"))


def messages(channel: str) -> Messages:
    return cast("Messages", _offered(f"{platforms.CHANNELS[channel]}.messages", "MESSAGES"))


def face(channel: str) -> FaceFlow:
    return cast("FaceFlow", _offered(f"{platforms.CHANNELS[channel]}.certify", "FACE"))


def province() -> Province:
    return cast("Province", _offered(f"{platforms.AUTHORITIES[PROVINCE]}.authority", "AUTHORITY"))


def verifier(platform: str) -> Callable[[Inbound], PlatformEvent]:
    return cast("Callable[[Inbound], PlatformEvent]", _offered(platforms.CALLBACKS[platform], "verify"))


def answer_probe(platform: str) -> Callable[[Inbound], bytes] | None:
    """The platform's GET check of a callback URL, or None where it has none."""
    probe = getattr(import_module(platforms.CALLBACKS[platform]), "answer_probe", None)
    return cast("Callable[[Inbound], bytes] | None", probe)
