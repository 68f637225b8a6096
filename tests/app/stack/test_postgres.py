"""A real PostgreSQL from the parcel: private, durable, ours by its pid, and mended after a crash."""

import os
import re
import signal
import stat
import subprocess
import sys

import psycopg
import pytest

from app.stack import leftovers, parcels, postgres
from app.stack.errors import StackError
from app.stack.supervisor import Supervisor
from app.stack.surroundings import bare_environment
from tests.support.servers import ground, plain
from tests.support.wait import until


@pytest.fixture(scope="module")
def served(shared_home, account):
    """One running server for all tests that only look."""
    tools = ground(shared_home)[1]
    server = postgres.prepare(shared_home / "pg", postgres.find(tools), account=account)
    with Supervisor([server.child()], logs=shared_home / "logs") as stack:
        server.furnish()
        yield server, stack.pid("postgres")


@pytest.fixture
def server(home, tools, account):
    return postgres.prepare(home / "pg", postgres.find(tools), account=account)


@pytest.fixture
def running(server, home):
    with Supervisor([server.child()], logs=home / "logs") as stack:
        server.furnish()
        yield stack


def ask(server, role, sql):
    with psycopg.connect(plain(server.url(role))) as connection:
        return connection.execute(sql).fetchone()


def test_it_serves_three_roles_none_of_which_can_pass_row_level_security(served):
    server, _ = served
    assert ask(server, "tb_app", "SELECT current_user::text, current_database()::text") == ("tb_app", "tongban")
    assert ask(server, "tb_auditor", "SELECT current_user::text")[0] == "tb_auditor"
    flags = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tb\\_%' AND (rolsuper OR rolbypassrls OR rolcreaterole)"
    assert ask(server, "tb_owner", flags) == (0,)
    owner = "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = 'tongban'"
    assert ask(server, "tb_owner", owner) == ("tb_owner",)


def test_only_the_owner_may_make_tables(served):
    server, _ = served
    with psycopg.connect(plain(server.url("tb_owner"))) as connection:
        connection.execute("CREATE TABLE t (n int)")
    with (
        psycopg.connect(plain(server.url("tb_app"))) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE u (n int)")


def test_it_listens_on_a_private_socket_and_nowhere_else(served):
    server, _ = served
    assert ask(server, "tb_app", "SHOW listen_addresses") == ("",)
    assert stat.S_IMODE(server.sockets.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


def test_it_is_durable_unless_it_serves_tests(served):
    server, _ = served
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        assert ask(server, "tb_app", f"SHOW {name}") == ("on",)


def test_furnishing_twice_changes_nothing(served):
    server, _ = served
    server.furnish()
    assert ask(server, "tb_app", "SELECT 1") == (1,)


def test_a_committed_row_survives_kill_9(server, running):
    with psycopg.connect(plain(server.url("tb_owner"))) as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS n")
    old = running.pid("postgres")
    os.kill(old, signal.SIGKILL)
    until(lambda: running.pid("postgres") not in {None, old} and server.ready(running.pid("postgres")), "a restart")
    assert ask(server, "tb_owner", "SELECT n FROM t") == (7,)


def test_a_server_with_another_pid_is_refused(served):
    server, pid = served
    assert server.ready(pid)
    with pytest.raises(StackError, match="served by another PostgreSQL"):
        server.ready(pid + 1)


def test_it_is_not_ready_before_it_is_started(server):
    assert not server.ready(1)


def test_a_crashed_runs_server_is_ended_before_a_new_start(server, home, account):
    # As after kill -9 of a supervisor on a kernel without the parent-death signal: it runs on, unsupervised.
    who = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    stray = subprocess.Popen(server.child().argv, env=bare_environment(), cwd="/", stderr=subprocess.DEVNULL, **who)
    until(lambda: server.ready(stray.pid), "the stray server")
    assert stray.pid in leftovers.find("postgres", server.data)
    again = postgres.prepare(home / "pg", server.programs, account=account)
    assert stray.wait() == 0
    with Supervisor([again.child()], logs=home / "logs") as stack:
        assert server.ready(stack.pid("postgres"))


def test_a_stale_pid_file_that_names_somebody_elses_process_does_not_hold_up_the_start(server, home, account):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as bystander:
        (server.data / "postmaster.pid").write_text(f"{bystander.pid}\n{server.data}\n")
        again = postgres.prepare(home / "pg", server.programs, account=account)
        with Supervisor([again.child()], logs=home / "logs"):
            assert bystander.poll() is None
        bystander.kill()


def test_a_cut_short_initdb_is_begun_again(server, home, account):
    (server.data / "PG_VERSION").unlink()
    again = postgres.prepare(home / "pg", server.programs, account=account)
    assert (again.data / "PG_VERSION").is_file()


def test_data_of_another_major_version_is_refused_and_left_alone(server, home, account):
    (server.data / "PG_VERSION").write_text("13\n")
    with pytest.raises(StackError, match=r"was written by PostgreSQL 13 and .* is 18"):
        postgres.prepare(home / "pg", server.programs, account=account)
    assert (server.data / "global").is_dir()


def test_a_long_or_odd_path_still_gets_a_socket(home, tools, account):
    deep = home / ("a folder, with 'odd' letters " + "x" * 90)
    deep.mkdir()
    deep.chmod(0o711)
    server = postgres.prepare(deep, postgres.find(tools), account=account, fast=True)
    with Supervisor([server.child()], logs=home / "logs"):
        server.furnish()
        assert ask(server, "tb_app", "SHOW fsync") == ("off",)
    assert server.sockets == postgres.prepare(deep, server.programs, account=account).sockets
    server.sockets.rmdir()


def test_without_a_parcel_the_systems_own_is_taken_if_new_enough(monkeypatch, tmp_path):
    monkeypatch.setattr(parcels, "unpacked", lambda *_: None)
    monkeypatch.setattr(postgres, "DEBIAN_HOME", tmp_path / "none")
    for name in postgres.PROGRAMS:
        script = tmp_path / name
        script.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.4 (Debian 15.4-1)'\n")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert postgres.find(tmp_path) == tmp_path


def test_without_any_postgresql_the_sentence_names_the_package_and_the_variable(monkeypatch, tmp_path):
    monkeypatch.setattr(parcels, "unpacked", lambda *_: None)
    monkeypatch.setattr(postgres, "DEBIAN_HOME", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match=re.compile("apt install postgresql.*DATABASE_URL")):
        postgres.find(tmp_path)


def test_initdbs_complaint_about_a_nameless_uid_is_explained():
    assert "passwd" in postgres._reason("initdb: error: could not look up effective user ID 12345: user does not exist")
