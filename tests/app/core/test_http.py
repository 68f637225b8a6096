"""The outbound road: what it sends, what it gives back, what it refuses. Attacks are under tests/security (X1-X12)."""

import gzip
import socket
import threading

import pytest
import requests

from app.core import db, http
from app.core.errors import NotSent, OutcomeUnknown
from app.core.http import Call
from tests.support.outbound import admit
from tests.support.upstreams import answer, ok, running


@pytest.fixture
def upstream(monkeypatch):
    with running() as made:
        admit(monkeypatch, made.authority)
        yield made


def call(upstream, path="/", method="GET", headers=None, body=None, **limits):
    return Call(method, upstream.url(path), headers or {}, body, "test", "op", **limits)


def test_an_answer_has_status_headers_and_body(upstream):
    upstream.scripts = [ok(b'{"a":1}', "Content-Type: application/json", "X-Twice: 1", "X-Twice: 2", status="418 Tea")]
    got = http.send(call(upstream))
    assert (got.status, got.body) == (418, b'{"a":1}')
    assert got.headers["content-type"] == got.headers["CONTENT-TYPE"] == "application/json"
    assert got.headers["x-twice"] == "1, 2"
    assert got.headers.get("x-none") is None
    assert got.elapsed_s > 0


def test_the_request_is_exactly_this(upstream):
    http.send(call(upstream, "/a/b?x=%31&y=2", "POST", {"X-One": "1", "User-Agent": "t"}, b"body"))
    assert upstream.requests == [
        b"POST /a/b?x=%31&y=2 HTTP/1.1\r\n"
        + f"Host: {upstream.authority}\r\n".encode()
        + b"Accept-Encoding: identity\r\nX-One: 1\r\nUser-Agent: t\r\nContent-Length: 4\r\n\r\nbody"
    ]


@pytest.mark.parametrize(
    ("method", "length"), [("GET", False), ("HEAD", False), ("DELETE", False), ("POST", True), ("PUT", True)]
)
def test_an_empty_body_has_a_length_where_one_is_expected(upstream, method, length):
    upstream.scripts = [answer(b"HTTP/1.1 204 No Content\r\n\r\n")]
    http.send(call(upstream, method=method))
    assert (b"Content-Length: 0" in upstream.requests[0]) is length


def test_connections_are_kept_and_used_again(upstream):
    for _ in range(5):
        http.send(call(upstream))
    assert upstream.connections == 1


def test_a_connection_the_peer_wants_closed_is_not_kept(upstream):
    upstream.scripts = [ok(b"x", "Connection: close")]
    for _ in range(3):
        assert http.send(call(upstream)).body == b"x"
    assert upstream.connections == 3


def test_bytes_behind_an_answer_end_its_connection(upstream):
    upstream.scripts = [answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n"), ok(b"y")]
    assert [http.send(call(upstream)).body for _ in range(2)] == [b"x", b"y"]
    assert upstream.connections == 2


@pytest.mark.parametrize("cut", [1, 12, 15, 16, 17, 34, 36, 38, 39, 42])
def test_an_answer_may_come_in_pieces(upstream, cut):
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"

    def in_pieces(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in (raw[:cut], raw[cut:]):
            connection.sendall(part)

    upstream.scripts = [in_pieces, ok(b"next")]
    assert http.send(call(upstream)).body == b"body"
    assert http.send(call(upstream)).body == b"next"


def test_a_connection_the_peer_closed_while_idle_is_replaced_before_anything_is_sent(upstream):
    done = threading.Event()

    def answer_then_leave(connection):
        ok(b"1")(connection)
        connection.close()
        done.set()

    upstream.scripts = [answer_then_leave, ok(b"2")]
    assert http.send(call(upstream)).body == b"1"
    done.wait(5)
    assert http.send(call(upstream, method="POST", body=b"w")).body == b"2"
    assert (upstream.connections, len(upstream.requests)) == (2, 2)


def test_a_connection_idle_for_long_is_replaced(upstream, monkeypatch):
    http.send(call(upstream))
    monkeypatch.setattr(http, "IDLE_S", 0.0)
    http.send(call(upstream))
    assert upstream.connections == 2


def test_a_connection_with_bytes_nobody_asked_for_is_replaced(upstream):
    upstream.scripts = [ok(b"1"), ok(b"2")]
    http.send(call(upstream))
    connection = upstream._open[0]
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL")
    assert http.send(call(upstream)).body == b"2"
    assert upstream.connections == 2


def test_a_chunked_answer_is_put_together(upstream):
    upstream.scripts = [
        answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    ]
    assert http.send(call(upstream)).body == b"abcde"
    assert http.send(call(upstream)).body == b"abcde"
    assert upstream.connections == 1


def test_an_answer_without_length_ends_with_the_connection(upstream):
    def until_closed(connection):
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nabc")
        connection.close()

    upstream.scripts = [until_closed]
    assert http.send(call(upstream)).body == b"abc"


def test_a_gzip_answer_is_unpacked(upstream):
    upstream.scripts = [ok(gzip.compress(b"plain" * 100), "Content-Encoding: gzip")]
    assert http.send(call(upstream)).body == b"plain" * 100


def test_head_has_no_body_whatever_the_length_says(upstream):
    upstream.scripts = [answer(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")]
    assert http.send(call(upstream, method="HEAD")).body == b""


def test_many_threads_never_get_each_other_s_answer(upstream):
    def echo_paths(connection):
        while data := connection.recv(65536):
            path = data.split(b" ", 2)[1]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    upstream._serve = echo_paths
    wrong = []

    def work(worker):
        for n in range(50):
            path = f"/{worker}/{n}"
            if http.send(call(upstream, path)).body != path.encode():
                wrong.append(path)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_refused_inside_a_transaction(upstream, monkeypatch):
    monkeypatch.setattr(db, "in_transaction", lambda: True)
    with pytest.raises(RuntimeError, match="transaction"):
        http.send(call(upstream))
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "1\r\nX-B: 2"), ("X-A", "1\n"), ("X-A", "a\x00"), ("X-A", "张"), ("X A", "1"), ("X-A:", "1"), ("", "1"),
        ("X_A", "1"), ("Host", "evil.example"), ("content-length", "0"), ("Transfer-Encoding", "chunked"),
        ("Connection", "X-A"), ("TE", "trailers"), ("Upgrade", "h2c"), ("Expect", "100-continue"),
        ("Proxy-Authorization", "Basic eA=="), ("Accept-Encoding", "br"),
    ],
)  # fmt: skip
def test_headers_that_are_ours_or_malformed_are_refused(upstream, name, value):
    with pytest.raises(NotSent, match="header"):
        http.send(call(upstream, headers={name: value}))
    assert upstream.requests == []


@pytest.mark.parametrize("method", ["get", "TRACE", "CONNECT", "GET /x HTTP/1.1\r\n", ""])
def test_other_methods_are_refused(upstream, method):
    with pytest.raises(NotSent, match="method"):
        http.send(call(upstream, method=method))


def test_a_request_body_has_a_limit(upstream):
    with pytest.raises(NotSent, match="body"):
        http.send(call(upstream, method="POST", body=bytes(http.MAX_REQUEST_BYTES + 1)))


def test_one_origin_cannot_take_more_than_its_connections(upstream, monkeypatch):
    monkeypatch.setattr(http, "PER_ORIGIN", 1)
    http.forget()
    entered, leave = threading.Event(), threading.Event()

    def hold(connection):
        entered.set()
        leave.wait(5)
        ok()(connection)

    upstream.scripts = [hold]
    thread = threading.Thread(target=lambda: http.send(call(upstream)))
    thread.start()
    entered.wait(5)
    with pytest.raises(NotSent, match="pool_full"):
        http.send(call(upstream, connect_s=0.05))
    leave.set()
    thread.join()
    assert http.send(call(upstream)).status == 200  # the place was given back by both


def test_places_are_given_back_after_failures(upstream, monkeypatch):
    monkeypatch.setattr(http, "PER_ORIGIN", 1)
    http.forget()
    upstream.scripts = [answer(b"nonsense\r\n\r\n"), ok()]
    with pytest.raises(OutcomeUnknown):
        http.send(call(upstream))
    assert http.send(call(upstream, connect_s=0.5)).status == 200


def counted(outcome):
    return http._calls.labels("test", "op", outcome)._value.get()


def test_calls_are_counted_by_outcome(upstream):
    before = {name: counted(name) for name in ("2xx", "not_sent", "unknown")}
    upstream.scripts = [ok(), answer(b"nonsense\r\n\r\n")]
    http.send(call(upstream))
    with pytest.raises(OutcomeUnknown):
        http.send(call(upstream))
    with pytest.raises(NotSent):
        http.send(call(upstream, method="TRACE"))
    assert {name: counted(name) - before[name] for name in before} == {"2xx": 1, "not_sent": 1, "unknown": 1}


def test_the_metric_s_labels_are_bounded(monkeypatch):
    monkeypatch.setattr(http, "_counted", {})
    for n in range(http.MOST_SERIES + 50):
        http._series("test", f"op{n}", "2xx")
    assert len(http._counted) <= http.MOST_SERIES + 1


def test_a_requests_session_travels_the_same_road(upstream):
    upstream.scripts = [ok(b'{"errcode":0}', "Content-Type: application/json", "Set-Cookie: a=b")]
    session = http.session("test", "sdk")
    response = session.post(upstream.url("/sdk?x=1"), json={"a": 1}, timeout=(1, 1))
    assert (response.status_code, response.json()) == (200, {"errcode": 0})
    assert b"Accept-Encoding: identity" in upstream.requests[0]
    session.get(upstream.url("/sdk"))
    assert b"ookie" not in upstream.requests[1]


def test_a_requests_session_gets_our_exceptions(upstream):
    with pytest.raises(NotSent, match="scheme"):
        http.session().get("http://example.com/")
    upstream.scripts = [answer(b"nonsense\r\n\r\n")]
    with pytest.raises(OutcomeUnknown):
        http.session().get(upstream.url())
    with pytest.raises(NotSent, match="body"):
        http.session().post(upstream.url(), data=iter([b"a"]))


def test_an_adapter_can_be_mounted_on_any_session(upstream):
    session = requests.Session()
    session.mount("http://", http.adapter("test", "sdk"))
    assert session.get(upstream.url()).status_code == 200


def test_printing_a_call_or_an_answer_shows_no_content(upstream):
    made = call(upstream, "/path-canary?q=canary", headers={"X-Token": "canary"}, body=b"canary")
    assert "canary" not in repr(made)
    upstream.scripts = [ok(b"canary", "X-Token: canary")]
    assert "canary" not in repr(http.send(made))
