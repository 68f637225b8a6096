"""X2: a name is resolved once a connection, every address of the answer is checked, and only a checked one is used."""

import socket
import threading

import pytest

from app.core import http, wire
from app.core.errors import NotSent
from app.core.http import Call
from tests.support.outbound import admit, resolve_to
from tests.support.upstreams import Upstream

PUBLIC = "8.8.8.8"


@pytest.fixture
def canary():
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture
def connected(monkeypatch):
    """Every address a connection was tried to; public ones are refused without leaving the machine."""
    tried = []

    class Socket(socket.socket):
        def connect(self, address):
            tried.append(address[0])
            if address[0] == PUBLIC:
                raise ConnectionRefusedError
            super().connect(address)

    monkeypatch.setattr(wire.socket, "socket", Socket)
    return tried


@pytest.mark.parametrize(
    "answers",
    [
        [[PUBLIC], ["127.0.0.1"]],
        [["127.0.0.1"], [PUBLIC]],
        [[PUBLIC, "127.0.0.1"]],
        [["127.0.0.1", PUBLIC]],
        [[PUBLIC, "::1"], ["::ffff:127.0.0.1", PUBLIC]],
    ],
    ids=["public first", "private first", "both, public first", "both, private first", "mapped"],
)
def test_a_resolver_that_alternates_reaches_nothing(monkeypatch, canary, connected, answers):
    admit(monkeypatch)
    asked = resolve_to(monkeypatch, *(answers * (1000 // len(answers))))
    for n in range(200):
        with pytest.raises(NotSent):
            http.send(Call("GET", "https://rebind.example/", operation="x2"))
        assert len(asked) == n + 1  # one question a connection: no second answer to swap
    assert canary.connections == 0
    assert set(connected) <= {PUBLIC}


def test_a_public_answer_is_what_gets_connected(monkeypatch, connected):
    admit(monkeypatch)
    resolve_to(monkeypatch, [PUBLIC], ["127.0.0.1"])
    with pytest.raises(NotSent, match="connect"):
        http.send(Call("GET", "https://rebind.example/"))
    assert connected == [PUBLIC]


def test_a_resolver_that_fails_or_is_empty_sends_nothing(monkeypatch):
    admit(monkeypatch)

    def fail(_host, _port):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("app.core.egress.look_up", fail)
    with pytest.raises(NotSent, match="dns"):
        http.send(Call("GET", "https://service.example/"))
    resolve_to(monkeypatch, [])
    with pytest.raises(NotSent, match="dns"):
        http.send(Call("GET", "https://service.example/"))


def test_a_resolver_that_hangs_is_left_behind(monkeypatch):
    admit(monkeypatch)
    release = threading.Event()
    monkeypatch.setattr("app.core.egress.look_up", lambda _host, _port: release.wait(5) and [])
    with pytest.raises(NotSent, match="dns_timeout"):
        http.send(Call("GET", "https://service.example/", connect_s=0.05))
    release.set()
