"""No test reaches a real host: Python's own audit events are watched, and anything but loopback fails the test.

An audit hook sees every socket whatever library opens it. The refusal is no OSError on purpose: code under test turns
those into "could not ask" and would hide it.
"""

import ipaddress
import socket
import sys
from typing import Any

import pytest

NAMES = ("localhost", "")


def is_near(host: str) -> bool:
    """Whether `host` is this machine, or text that no resolver is needed for."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in NAMES


def _watch(event: str, details: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        wire, address = details[0], details[1]
        if wire.family in (socket.AF_INET, socket.AF_INET6) and not is_near(str(address[0])):
            pytest.fail(f"a test tried to reach {address[0]}: use the sandbox")
    elif event == "socket.getaddrinfo" and not _is_literal(details[0]):
        pytest.fail(f"a test tried to look up {details[0]!r}: use the sandbox, or replace the resolver in the test")


def _is_literal(host: str | bytes | None) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host or ""
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name in NAMES
    return True


def guard() -> None:
    """Watch this process until it ends; there is no way back, which is the point."""
    sys.addaudithook(_watch)
