"""Real servers of their own for the tests of the machine room, apart from the suite's."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.stack import places
from tests.support.servers import ground


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a short path that the servers' account can walk into, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="tb-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    """For servers that a module's tests only look at."""
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def account() -> places.Account | None:
    return places.server_account()


@pytest.fixture
def tools(home: Path) -> Path:
    return ground(home)[1]
