"""X12: whether bytes left is told by the inner reason, and nothing is sent twice."""

import socket

import pytest

from app.core import egress, http, wire
from app.core.errors import NotSent, OutcomeUnknown
from app.core.http import Call
from tests.support.outbound import admit
from tests.support.upstreams import answer, close, ok, reset, running


@pytest.fixture
def upstream(monkeypatch):
    with running() as made:
        admit(monkeypatch, made.authority)
        yield made


def test_executed_and_then_reset_is_unknown_and_was_executed_once(upstream):
    upstream.scripts = [reset]
    with pytest.raises(OutcomeUnknown, match="reset"):
        http.send(Call("POST", upstream.url("/write"), body=b"w"))
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "script",
    [close, reset, answer(b"HTTP/1.1"), answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), answer(b"\x15\x03\x01\x00\x02")],
    ids=["goodbye", "reset", "half a line", "half a body", "a TLS alert"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("warm", [True, False], ids=["kept connection", "new connection"])
def test_no_whole_answer_is_unknown_and_never_repeated(upstream, script, method, warm):
    if warm:
        http.send(Call("GET", upstream.url()))

    def once(connection):
        script(connection)
        connection.close()

    upstream.scripts = [once, ok()]
    before = len(upstream.requests)
    with pytest.raises(OutcomeUnknown):
        http.send(Call(method, upstream.url(), body=b"w" if method == "POST" else None, total_s=5))
    assert len(upstream.requests) == before + 1


def test_a_refused_connection_was_not_sent(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        authority = f"127.0.0.1:{gone.getsockname()[1]}"
    admit(monkeypatch, authority)
    with pytest.raises(NotSent, match="connect"):
        http.send(Call("POST", f"http://{authority}/", body=b"w"))


def test_a_connection_that_never_opens_was_not_sent(monkeypatch):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        held = []
        for _ in range(4):  # fill the queue, so that the kernel drops the next SYN
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
            held.append(waiting)
        authority = f"127.0.0.1:{full.getsockname()[1]}"
        admit(monkeypatch, authority)
        with pytest.raises(NotSent, match="connect_timeout"):
            http.send(Call("POST", f"http://{authority}/", body=b"w", connect_s=0.3))
        for waiting in held:
            waiting.close()


def test_an_unknown_name_was_not_sent(monkeypatch):
    admit(monkeypatch)

    def fail(_host, _port):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(egress, "look_up", fail)
    with pytest.raises(NotSent, match="dns"):
        http.send(Call("POST", "https://service.example/", body=b"w"))


def test_a_failed_handshake_was_not_sent(monkeypatch, upstream):
    upstream._serve = close  # whatever it hears, it leaves
    with pytest.raises(NotSent, match="tls"):
        http.send(Call("POST", upstream.url().replace("http://", "https://"), body=b"secret"))
    assert not any(b"secret" in request for request in upstream.requests)


def test_the_second_address_is_tried_when_the_first_refuses(monkeypatch, upstream):
    admit(monkeypatch, f"two.example:{upstream.port}")
    monkeypatch.setattr(
        egress,
        "look_up",
        lambda _host, port: [(socket.AF_INET, 1, 6, "", (a, port)) for a in ("127.0.0.2", "127.0.0.1")],
    )
    assert http.send(Call("POST", f"http://two.example:{upstream.port}/", body=b"w")).status == 200
    assert len(upstream.requests) == 1


def test_a_worker_told_to_stop_leaves_no_half_answer_behind(monkeypatch, upstream):
    class Stop(BaseException):
        pass

    received = wire.Connection._received

    def stopped(connection, limits):
        received(connection, limits)
        raise Stop

    upstream.scripts = [ok(b"for the first caller"), ok(b"for the second caller")]
    with monkeypatch.context() as patched, pytest.raises(Stop):
        patched.setattr(wire.Connection, "_received", stopped)
        http.send(Call("GET", upstream.url()))
    assert http.send(Call("GET", upstream.url())).body == b"for the second caller"
    assert upstream.connections == 2
