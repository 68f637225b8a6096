"""X8: what is too large, packed too tightly or framed to deceive is refused, and a write that met it is unknown."""

import gzip
import zlib

import pytest

from tests.support.gateway import call
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, personal, plain, proved, trust, upstream
from tests.support.upstream import JSON
from tests.support.upstreams import answer, ok

__all__ = ["citizen", "gateway_app", "gateway_world", "personal", "plain", "proved", "trust", "upstream"]

MIB = 1024 * 1024
BOMB = gzip.compress(b" " * 64 * MIB)
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
BAD = {
    "gzip bomb": ok(BOMB, JSON, "Content-Encoding: gzip"),
    "gzip in gzip": ok(gzip.compress(BOMB), JSON, "Content-Encoding: gzip, gzip"),
    "deflate": ok(zlib.compress(b"{}"), JSON, "Content-Encoding: deflate"),
    "br": ok(b"{}", JSON, "Content-Encoding: br"),
    "eleven mebibytes": ok(b'"' + b"x" * 11 * MIB + b'"', JSON),
    "a length of a gigabyte": answer(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n{}"
    ),
    "two lengths": answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 20\r\n\r\n{}"),
    "length and chunks": answer(CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\n") + b"0\r\n\r\n"),
    "chunks beyond ten mebibytes": answer(CHUNKED + (b"100000\r\n" + b"x" * MIB + b"\r\n") * 11 + b"0\r\n\r\n"),
    "an endless header": answer(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"),
    "ten thousand headers": answer(b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 10_000 + b"\r\n"),
}


@pytest.mark.parametrize("script", BAD.values(), ids=BAD)
def test_X8_a_read_gets_502_and_none_of_it(citizen, plain, upstream, script):
    upstream.scripts[:] = [script]
    answer = call(citizen(), plain, "GET", "/cards/1")
    assert (answer.status_code, answer.json["code"]) == (502, "upstream_garbled")
    assert len(answer.data) < 2000


@pytest.mark.parametrize("script", BAD.values(), ids=BAD)
def test_X8_a_write_is_unknown_and_is_not_done_again(proved, personal, upstream, script):
    upstream.scripts[:] = [script]
    for _ in range(2):
        answer = call(proved, personal, "POST", "/cards", {}, Idempotency_Key="key-00000001")
        assert (answer.status_code, answer.json["code"]) == (504, "outcome_unknown")
    assert len(upstream.requests) == 1
