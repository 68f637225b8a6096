"""Real servers of their own for the tests of the machine room, apart from the suite's."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.stack import places
from tests.support.servers import ground


@pytest.fixture
def home() -> Iterator[Path]:
    """A short folder that the servers' account can walk into, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="tb-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def account() -> places.Account | None:
    return places.server_account()


@pytest.fixture
def tools(home: Path) -> Path:
    return ground(home)[1]
