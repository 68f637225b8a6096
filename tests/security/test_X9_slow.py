"""X9: silence, trickles and stalls end at the call's own deadlines; nothing else waits for a peer that hangs."""

import threading

import pytest

from app.core import http, wire
from app.core.errors import OutcomeUnknown
from app.core.http import Call
from tests.support.outbound import admit
from tests.support.upstreams import ok, running


@pytest.fixture
def stop():
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def upstream(monkeypatch):
    with running() as made:
        admit(monkeypatch, made.authority)
        yield made


def trickle(head, drop, stop):
    def script(connection):
        connection.sendall(head)
        while not stop.wait(0.02):
            connection.sendall(drop)

    return script


def call(upstream, **limits):
    return Call("POST", upstream.url(), body=b"w", **({"first_byte_s": 0.3, "total_s": 0.6} | limits))


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"", b""),
        (b"HTTP/1.1 ", b"2"),
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: a\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "status line", "one header", "many headers", "body", "chunks", "until close", "continue for ever"],
)
def test_a_slow_peer_ends_at_the_total_deadline(upstream, stop, head, drop):
    upstream.scripts = [trickle(head, drop, stop)]
    with pytest.raises(OutcomeUnknown, match="timeout"):
        http.send(call(upstream))


def test_a_silent_peer_ends_at_the_first_byte(upstream, stop):
    upstream.scripts = [trickle(b"", b"", stop)]
    with pytest.raises(OutcomeUnknown, match="timeout"):
        http.send(call(upstream, first_byte_s=0.05, total_s=600))


@pytest.mark.parametrize(
    ("now", "wait"),
    [(100.0, 10.0), (119.0, 10.0), (121.0, 9.0), (129.9, pytest.approx(0.1)), (130.0, None), (131.0, None)],
)
def test_no_single_wait_is_longer_than_what_the_call_has_left(monkeypatch, now, wait):
    limits = wire.Limits(100.0, connect_s=2, gap_s=10, total_s=30, max_bytes=1)
    monkeypatch.setattr(wire.clock, "monotonic", lambda: now)
    if wait is None:
        with pytest.raises(TimeoutError):
            limits.next_wait_s()
    else:
        assert limits.next_wait_s() == wait


def test_a_peer_that_reads_nothing_ends_too(upstream, monkeypatch, stop):
    upstream._serve = lambda _connection: stop.wait(30)
    with pytest.raises(OutcomeUnknown, match="timeout"):
        http.send(Call("POST", upstream.url(), body=bytes(http.MAX_REQUEST_BYTES), first_byte_s=0.2, total_s=0.4))


def test_another_origin_does_not_wait(upstream, monkeypatch, stop):
    monkeypatch.setattr(http, "PER_ORIGIN", 2)
    with running(trickle(b"", b"", stop)) as dead:
        admit(monkeypatch, upstream.authority, dead.authority)
        stuck = [threading.Thread(target=_swallow, args=(dead,)) for _ in range(2)]
        for thread in stuck:
            thread.start()
        upstream.scripts = [ok(b"quick")]
        for _ in range(20):
            assert http.send(call(upstream)).body == b"quick"
        stop.set()
        for thread in stuck:
            thread.join()


def _swallow(dead):
    with pytest.raises(OutcomeUnknown):
        http.send(call(dead, first_byte_s=2, total_s=2))
