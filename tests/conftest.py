"""The suite's fixtures. Settings are in place before any test module is imported; servers start when first asked for.

A test that uses the database says `pytestmark = pytest.mark.usefixtures("db_clean")` or asks for a fixture that does.
"""

import os
from collections.abc import Iterator

import pytest

from tests.support import canaries, loopback, surroundings
from tests.support.canaries import no_canary_in_any_log
from tests.support.sandbox import Sandbox, listening
from tests.support.servers import Servers

_servers = Servers(surroundings.given_servers(os.environ), os.environ.get("PYTEST_XDIST_WORKER", "main"))
surroundings.install(os.environ, _servers.addresses)
loopback.guard()
canaries.install()

__all__ = ["db_clean", "no_canary_in_any_log", "sandbox", "servers"]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Real PostgreSQL and Redis, migrated; the application connects as the role app."""
    try:
        _servers.start()
        yield _servers
    finally:
        _servers.stop()


@pytest.fixture
def db_clean(servers: Servers) -> Servers:
    """Empty tables and no `tb:` key, before the test (what a failed test left can be looked at)."""
    servers.clean()
    return servers


@pytest.fixture(scope="session")
def _listening_sandbox() -> Iterator[Sandbox]:
    with listening() as running:
        yield running


@pytest.fixture
def sandbox(_listening_sandbox: Sandbox) -> Sandbox:
    """The platforms' stand-ins on their loopback port, as new; the settings already point there."""
    _listening_sandbox.reset()
    return _listening_sandbox
