"""X8: an answer is bounded before and after decoding; bombs and lies about length end as OutcomeUnknown."""

import gzip
import tracemalloc
import zlib

import pytest

from app.core import http
from app.core.errors import OutcomeUnknown
from app.core.http import Call
from tests.support.outbound import admit
from tests.support.upstreams import answer, close, ok, running

MIB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def upstream(monkeypatch):
    with running() as made:
        admit(monkeypatch, made.authority)
        yield made


def packed(size, *, level=9):
    machine = zlib.compressobj(level, zlib.DEFLATED, 31)
    parts = [machine.compress(bytes(MIB)) for _ in range(size // MIB)]
    return b"".join(parts) + machine.flush()


BOMB = packed(300 * MIB)


def unknown(upstream, *scripts, **limits):
    upstream.scripts = list(scripts)
    with pytest.raises(OutcomeUnknown) as caught:
        http.send(Call("GET", upstream.url(), **limits))
    http.forget()
    return caught.value.reason


def then_close(raw):
    def script(connection):
        connection.sendall(raw)
        close(connection)

    return script


def endless(connection):
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")


def endless_header(connection):
    connection.sendall(HEAD)
    while True:
        connection.sendall(b"X-A: " + b"a" * 1000 + b"\r\n")


BOMBS = [
    ("gzip", ok(BOMB, "Content-Encoding: gzip"), "bomb"),
    ("gzip of gzip", ok(gzip.compress(BOMB), "Content-Encoding: gzip, gzip"), "encoding"),
    ("gzip twice by two headers", ok(BOMB, "Content-Encoding: gzip", "Content-Encoding: gzip"), "encoding"),
    ("deflate", ok(zlib.compress(bytes(MIB)), "Content-Encoding: deflate"), "encoding"),
    ("br", ok(b"\x00" * 64, "Content-Encoding: br"), "encoding"),
    ("zstd", ok(b"\x00" * 64, "Content-Encoding: zstd"), "encoding"),
    ("x-gzip", ok(gzip.compress(b"x"), "Content-Encoding: x-gzip"), "encoding"),
    ("unknown coding", ok(b"x", "Content-Encoding: gzip;q=1"), "encoding"),
    ("plain bytes called gzip", ok(b"plain", "Content-Encoding: gzip"), "encoding"),
    ("two members", ok(gzip.compress(b"a") + gzip.compress(b"b"), "Content-Encoding: gzip"), "encoding"),
    ("bytes after the member", ok(gzip.compress(b"a") + b"junk", "Content-Encoding: gzip"), "encoding"),
    ("half a member", ok(gzip.compress(b"a" * 500)[:-4], "Content-Encoding: gzip"), "truncated"),
    ("altered checksum", ok(gzip.compress(b"a" * 500)[:-8] + bytes(8), "Content-Encoding: gzip"), "encoding"),
    ("endless chunks", endless, "too_large"),
    ("endless header", endless_header, "bad_answer"),
    ("declared too large", answer(HEAD + b"Content-Length: 999999999999\r\n\r\n"), "too_large"),
    ("declared beyond any number", answer(HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"), "bad_answer"),
    ("longer than declared is cut by framing", then_close(HEAD + b"Content-Length: 5\r\n\r\nabc"), "truncated"),
    ("ends inside a chunk", then_close(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), "truncated"),
    ("ends between chunks", then_close(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"), "truncated"),
    ("chunk size is no number", answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "truncated"),
    ("two lengths", answer(HEAD + b"Content-Length: 2\r\nContent-Length: 4\r\n\r\nabcd"), "bad_answer"),
    ("two equal lengths", answer(HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"), "bad_answer"),
    ("length and chunks", answer(HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "bad_answer"),
    ("unknown transfer coding", answer(HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "bad_answer"),
    ("chunked twice", answer(HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "bad_answer"),
    ("negative length", answer(HEAD + b"Content-Length: -1\r\n\r\n"), "bad_answer"),
    ("signed length", answer(HEAD + b"Content-Length: +2\r\n\r\nab"), "bad_answer"),
    ("length in other digits", answer(HEAD + "Content-Length: ２\r\n\r\nab".encode()), "bad_answer"),
    ("switching protocols", answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "bad_answer"),
    ("early hints", answer(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "bad_answer"),
    ("not HTTP", answer(b"SSH-2.0-OpenSSH_9.2\r\n"), "bad_answer"),
    ("status out of range", answer(b"HTTP/1.1 99 Low\r\n\r\n"), "bad_answer"),
    ("status is no number", answer(b"HTTP/1.1 abc\r\n\r\n"), "bad_answer"),
    ("a line without end", then_close(b"HTTP/1.1 200 " + b"a" * 70000 + b"\r\n\r\n"), "bad_answer"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "reason"), [pytest.param(*row[1:], id=row[0]) for row in BOMBS])
def test_every_bomb_and_lie_is_an_unknown_outcome(upstream, script, reason):
    assert unknown(upstream, script) == reason


def test_a_bomb_is_met_with_little_in_hand(upstream):
    tracemalloc.start()
    try:
        assert unknown(upstream, ok(BOMB, "Content-Encoding: gzip")) == "bomb"
        assert unknown(upstream, endless) == "too_large"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * MIB


def test_the_limit_counts_what_came_out_of_the_packing(upstream):
    plain = bytes(range(256)) * 400  # packs well below a hundredfold
    assert unknown(upstream, ok(gzip.compress(plain), "Content-Encoding: gzip"), max_bytes=len(plain) - 1) in {
        "too_large",
        "bomb",
    }
    upstream.scripts = [ok(gzip.compress(b"a" * 60_000), "Content-Encoding: gzip")]
    assert len(http.send(Call("GET", upstream.url(), max_bytes=60_000)).body) == 60_000


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 1_000_000])
def test_exactly_the_limit_is_let_through(upstream, size):
    upstream.scripts = [ok(b"a" * size)]
    assert len(http.send(Call("GET", upstream.url(), max_bytes=size)).body) == size
    if size:
        assert unknown(upstream, ok(b"a" * size), max_bytes=size - 1) == "too_large"


def test_a_connection_that_lied_is_not_used_again(upstream):
    upstream.scripts = [answer(HEAD + b"Content-Length: 2\r\nContent-Length: 4\r\n\r\nabcd"), ok(b"honest")]
    with pytest.raises(OutcomeUnknown):
        http.send(Call("GET", upstream.url()))
    assert http.send(Call("GET", upstream.url())).body == b"honest"
    assert upstream.connections == 2
