"""Where servers live: in the clone if their account can walk there, outside it if not, never where others can write."""

import os
import stat

import pytest

from app.stack import places
from app.stack.errors import StackError

SOMEBODY = places.Account("somebody", os.getuid(), os.getgid())


def test_an_ordinary_user_runs_the_servers_itself():
    assert places.server_account(euid=1000) is None


def test_root_runs_them_as_an_account_that_is_not_root():
    account = places.server_account(euid=0)
    assert account is not None
    assert account.uid != 0


def test_root_without_such_an_account_gets_a_sentence(monkeypatch):
    monkeypatch.setattr(places, "SERVER_ACCOUNTS", ("no-such-account",))
    with pytest.raises(StackError, match="run as an ordinary user, or set DATABASE_URL"):
        places.server_account(euid=0)


def test_servers_live_in_the_clone_where_their_account_can_walk(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "reachable", lambda *_: True)
    assert places.servers_root(tmp_path / "var", SOMEBODY) == tmp_path / "var"
    assert places.servers_root(tmp_path / "var", None) == tmp_path / "var"


@pytest.fixture
def moved(tmp_path, monkeypatch):
    """The folder chosen for a clone nobody else can walk into."""
    monkeypatch.setattr(places, "reachable", lambda *_: False)
    folder = places.servers_root(tmp_path / "var", SOMEBODY)
    yield folder
    folder.rmdir()


def test_else_in_a_folder_of_its_own_that_later_runs_find_again(tmp_path, moved):
    assert tmp_path not in moved.parents
    assert stat.S_IMODE(moved.stat().st_mode) == 0o711
    assert places.servers_root(tmp_path / "var", SOMEBODY) == moved


def test_a_noted_folder_that_others_may_write_is_not_trusted(tmp_path, moved):
    moved.chmod(0o777)
    fresh = places.servers_root(tmp_path / "var", SOMEBODY)
    assert fresh != moved
    fresh.rmdir()


def test_a_noted_folder_that_became_a_link_is_not_trusted(tmp_path, moved):
    link = tmp_path / "link"
    link.symlink_to(moved)
    (tmp_path / "var" / "servers-live-at").write_text(str(link))
    fresh = places.servers_root(tmp_path / "var", SOMEBODY)
    assert fresh not in {link, moved}
    fresh.rmdir()


def test_a_private_folder_is_closed_to_others_whatever_it_was(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    assert stat.S_IMODE(places.private_folder(folder, None).stat().st_mode) == 0o700


def test_sockets_lie_in_the_home_if_their_path_fits_and_elsewhere_if_not(tmp_path):
    short = tmp_path / "s"
    deep = tmp_path / ("d" * 100)
    short.mkdir()
    deep.mkdir()
    near, far = places.socket_folder(short, None), places.socket_folder(deep, None)
    assert near == short / "run" or len(str(short)) > 80
    assert len(os.fsencode(far / places.LONGEST_SOCKET_NAME)) <= places.SOCKET_PATH_MAX
    assert places.socket_folder(deep, None) == far
    far.rmdir()


def test_a_temporary_folder_that_is_too_long_itself_gets_a_sentence(tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setattr(places.tempfile, "tempdir", str(deep))
    with pytest.raises(StackError, match="TMPDIR"):
        places.socket_folder(deep, None)
