"""heads.plain takes the plainest form only, and whatever it takes means the same to http.client."""

import http.client
import io

import pytest

from app.core import heads

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\nX-Empty:\r\n\r\nhello"
TAKEN = [
    PLAIN,
    PLAIN[:-5],
    PLAIN + b"more",
    b"HTTP/1.1 404 \r\ncontent-length:0\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nConnection: close\r\nRetry-After: 9\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nX-A: \t b c\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\nx",
]
LEFT = {
    "nothing": b"",
    "half a head": PLAIN.partition(b"X-Empty")[0],
    "another version": PLAIN.replace(b"1.1", b"1.0"),
    "no reason's blank": PLAIN.replace(b"200 OK", b"200"),
    "an interim answer": PLAIN.replace(b"200 OK", b"100 Continue"),
    "no content": PLAIN.replace(b"200 OK", b"204 No Content"),
    "not modified": PLAIN.replace(b"200 OK", b"304 Not Modified"),
    "bare line feeds": PLAIN.replace(b"\r\n", b"\n"),
    "a bare carriage return": PLAIN.replace(b"X-Empty:", b"X-Empty: a\rb"),
    "a folded line": PLAIN.replace(b"X-Empty:", b"X-Empty: a\r\n b"),
    "a line without a colon": PLAIN.replace(b"X-Empty:", b"X-Empty"),
    "a blank before the colon": PLAIN.replace(b"X-Empty:", b"X-Empty :"),
    "an empty name": PLAIN.replace(b"X-Empty:", b":"),
    "a NUL": PLAIN.replace(b"X-Empty:", b"X-Empty: \0"),
    "beyond ASCII": PLAIN.replace(b"X-Empty:", b"X-Empty: \xe4"),
    "a name twice": PLAIN.replace(b"X-Empty", b"content-type"),
    "two lengths": PLAIN.replace(b"X-Empty:", b"Content-Length: 5"),
    "no length": PLAIN.replace(b"Content-Length: 5\r\n", b""),
    "a signed length": PLAIN.replace(b": 5", b": +5"),
    "a padded length": PLAIN.replace(b": 5", b": 05"),
    "two lengths in one": PLAIN.replace(b": 5", b": 5, 5"),
    "a length beyond reason": PLAIN.replace(b": 5", b": 99999999999"),
    "chunks": PLAIN.replace(b"X-Empty:", b"Transfer-Encoding: chunked"),
    "a coding": PLAIN.replace(b"X-Empty:", b"Content-Encoding: gzip"),
    "an upgrade": PLAIN.replace(b"X-Empty:", b"Upgrade: h2c"),
    "another connection option": PLAIN.replace(b"X-Empty:", b"Connection: close, x"),
    "too many fields": PLAIN.replace(b"X-Empty:", b"".join(b"X-%d: y\r\n" % n for n in range(40)) + b"X-Empty:"),
}


class Bytes:
    def __init__(self, raw) -> None:
        self._raw = raw

    def makefile(self, _mode):
        return io.BytesIO(self._raw)


def by_the_library(raw):
    response = http.client.HTTPResponse(Bytes(raw))
    response.begin()
    fields = {name.lower(): value for name, value in response.headers.items()}
    return response.status, fields, response.length, response.will_close


@pytest.mark.parametrize("raw", TAKEN)
def test_what_is_taken_means_the_same_to_the_library(raw):
    found = heads.plain(raw)
    assert found is not None
    assert (found.status, found.fields, found.length, found.will_close) == by_the_library(raw)
    assert raw[: found.start].endswith(b"\r\n\r\n")
    assert b"\r\n\r\n" not in raw[: found.start - 1]


@pytest.mark.parametrize("raw", LEFT.values(), ids=LEFT.keys())
def test_everything_else_is_left_to_the_library(raw):
    assert heads.plain(raw) is None


def test_blanks_around_a_value_are_no_part_of_it():
    """RFC 9112, section 5.1; the library keeps those behind it."""
    found = heads.plain(PLAIN.replace(b"X-Empty:", b"X-Blank: \ta b \t"))
    assert found is not None
    assert found.fields["x-blank"] == "a b"
