"""What the terminal's environment gives to the machine room. The only module here that reads it.

`config/settings.py` is the reader for the application; the machine room runs before there are settings, and writes
them. Children get an environment made here, so that a stray variable of the terminal never steers a server.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.stack.errors import StackError

ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var"
PORT_MAX = 65535

# Enough for a program to be found, to find its libraries and to write Chinese; nothing that configures PostgreSQL
# (PG*), Python (PYTHON*) or pip.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "TMPDIR", "TERM", "USER", "LOGNAME")
SERVERS = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_AUDITOR_URL", "REDIS_URL", "BROKER_URL")


@dataclass(frozen=True)
class Given:
    """What the person set for `make demo` and the parts."""

    http_port: int
    internal_port: int
    sandbox_port: int
    once: bool  # leave after the walk
    servers: Mapping[str, str]  # addresses of servers to use instead of the embedded ones


def bare_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The few variables every child may see."""
    given = os.environ if environment is None else environment
    return {name: given[name] for name in PASSED_ON if name in given}


def given(environment: Mapping[str, str] | None = None) -> Given:
    """Raises StackError for a value that cannot be meant."""
    told = os.environ if environment is None else environment
    servers = {name: told[name] for name in SERVERS if told.get(name)}
    if "DATABASE_URL" in servers and "DATABASE_OWNER_URL" not in servers:
        raise StackError(
            "DATABASE_URL is set: set DATABASE_OWNER_URL too (the role that owns the tables and migrates them), "
            "or unset DATABASE_URL to use the embedded PostgreSQL.",
        )
    return Given(
        http_port=_port(told, "HTTP_PORT", 8800),
        internal_port=_port(told, "INTERNAL_PORT", 8801),
        sandbox_port=_port(told, "SANDBOX_PORT", 8802),
        once=told.get("ONCE", "") not in {"", "0"},
        servers=servers,
    )


def application_variables(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The settings the person's own environment holds, which win over the demo's in a part run by hand."""
    told = os.environ if environment is None else environment
    return {name: value for name, value in told.items() if name.startswith("TB_") or name in SERVERS}


def _port(told: Mapping[str, str], name: str, default: int) -> int:
    text = told.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= PORT_MAX:
        raise StackError(f"{name}={text} is no port: give a number from 1 to {PORT_MAX}.")
    return int(text)
