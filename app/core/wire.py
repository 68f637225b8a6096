"""One HTTP/1.1 connection under deadlines: open it to a checked address, write a request, read the whole answer.

Used by app/core/http.py only, which owns the pools and the policy of a call. The plainest answers are read by
heads.plain, all others by the standard library's http.client.HTTPResponse; what that forgives (two lengths, unknown
codings, interim answers) is refused here. This module
never retries, never follows, never reads a proxy, netrc or certificate variable from the environment.
"""

import http.client
import io
import re
import select
import socket
import ssl
import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

import certifi

from app.core import clock, egress, heads
from app.core.errors import NotSent, OutcomeUnknown

CHUNK: Final = 65536
MAX_RATIO: Final = 100
RATIO_COUNTS_FROM: Final = 65536  # below this size no bomb hurts, and small repetitive bodies compress better than 100
FIRST_FINAL_STATUS: Final = 200
_LENGTH = re.compile(r"[0-9]{1,18}")


class Limits:
    """The time a call has left, and the most bytes of its answer. Instants are of the monotonic clock."""

    __slots__ = ("connect_by", "end", "gap_s", "max_bytes")

    def __init__(self, started: float, connect_s: float, gap_s: float, total_s: float, max_bytes: int) -> None:
        self.end = started + total_s
        self.connect_by = min(started + connect_s, self.end)
        self.gap_s = gap_s  # longest silence: before the first byte and between any two reads
        self.max_bytes = max_bytes

    def left_s(self, until: float, reason: str) -> float:
        left = until - clock.monotonic()
        if left <= 0:
            raise NotSent(reason)
        return left

    def next_wait_s(self) -> float:
        left = self.end - clock.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, self.gap_s)


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """TLS 1.2 or newer, names checked, Mozilla's roots. Built by hand: create_default_context reads SSLKEYLOGFILE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


def _pace(sock: socket.socket, limits: Limits) -> None:
    """Let the next send or read wait only as long as the call may still wait. Setting a timeout costs a system call,
    and far from the end it is the same one every time.
    """
    wait_s = limits.next_wait_s()
    if wait_s != sock.gettimeout():
        sock.settimeout(wait_s)


class _Paced(io.RawIOBase):
    """A socket's bytes after those already read, each read paced.

    Without it a peer that sends one byte of a header line every nine seconds would be read for hours.
    """

    def __init__(self, sock: socket.socket, limits: Limits, read: bytes) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._limits = limits
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._read:
            taken, self._read = self._read[: len(buffer)], self._read[len(buffer) :]
            buffer[: len(taken)] = taken
            return len(taken)
        _pace(self._sock, self._limits)
        return cast("io.RawIOBase", self._raw).readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Source:
    """What HTTPResponse wants of a socket: `makefile`."""

    def __init__(self, sock: socket.socket, limits: Limits, read: bytes) -> None:
        self._made = io.BufferedReader(_Paced(sock, limits, read), CHUNK)

    def makefile(self, _mode: str) -> io.BufferedIOBase:
        return self._made


class Response(NamedTuple):
    """The head of an answer. `fields` as they came, a repeated name as often as it came."""

    status: int
    fields: Iterable[tuple[str, str]]
    will_close: bool


class Connection:
    """An open connection to one checked address of an origin."""

    __slots__ = ("idle_since", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.idle_since = 0.0

    def is_quiet(self) -> bool:
        """Nothing to read: neither the peer's goodbye nor bytes nobody asked for."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self.sock.close()

    def exchange(self, head: bytes, body: bytes, method: str, limits: Limits) -> tuple[Response, bytes]:
        """Send and read to the end. Everything that goes wrong from here on is OutcomeUnknown: bytes may have left."""
        self._write(head, body, limits)
        try:
            received = self._received(limits)
            plain = heads.plain(received) if method != "HEAD" else None
            if plain is not None:
                return self._plain(plain, received, limits)
            return self._thorough(received, method, limits)
        except TimeoutError:
            raise OutcomeUnknown("timeout") from None
        except (http.client.RemoteDisconnected, ConnectionError):
            raise OutcomeUnknown("reset") from None
        except http.client.IncompleteRead:
            raise OutcomeUnknown("truncated") from None
        except (http.client.HTTPException, ValueError, OSError):
            raise OutcomeUnknown("bad_answer") from None

    def _received(self, limits: Limits) -> bytes:
        _pace(self.sock, limits)
        return self.sock.recv(CHUNK)

    def _plain(self, plain: heads.Plain, received: bytes, limits: Limits) -> tuple[Response, bytes]:
        if plain.length > limits.max_bytes:
            raise OutcomeUnknown("too_large")
        body = received[plain.start :]
        if len(body) < plain.length:
            body = self._rest(body, plain.length, limits)
        # Bytes behind the end are nobody's answer: the connection that brought them is not used again.
        will_close = plain.will_close or len(body) > plain.length
        return Response(plain.status, plain.fields.items(), will_close), body[: plain.length]

    def _rest(self, begun: bytes, length: int, limits: Limits) -> bytes:
        parts, missing = [begun], length - len(begun)
        while missing > 0:
            part = self._received(limits)
            if not part:
                raise OutcomeUnknown("truncated")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _thorough(self, received: bytes, method: str, limits: Limits) -> tuple[Response, bytes]:
        source = _Source(self.sock, limits, received)
        response = http.client.HTTPResponse(cast("socket.socket", source), method=method)
        try:
            response.begin()
            _refuse_framing(response)
            body = read_body(response, limits.max_bytes)
            return Response(response.status, response.headers.items(), response.will_close), body
        finally:
            response.close()

    def _write(self, head: bytes, body: bytes, limits: Limits) -> None:
        whole = memoryview(head + body)
        try:
            while whole:  # piecewise: sendall on TLS gives every record the full timeout anew
                _pace(self.sock, limits)
                whole = whole[self.sock.send(whole[:CHUNK]) :]
        except TimeoutError:
            raise OutcomeUnknown("timeout") from None
        except OSError:
            raise OutcomeUnknown("reset") from None


def connect(target: egress.Target, limits: Limits) -> Connection:
    """Resolve, check every address, connect to one of the checked ones, wrap. Raises NotSent: no request byte left."""
    found = egress.addresses(target, limits.left_s(limits.connect_by, "dns_timeout"))
    sock = _first_open(found, limits)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(sock if target.scheme == "http" else _wrapped(sock, target.host, limits))


def _first_open(found: list[tuple[int, Any]], limits: Limits) -> socket.socket:
    reason = "connect"
    for family, address in found:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(limits.left_s(limits.connect_by, "connect_timeout"))
            sock.connect(address)
        except TimeoutError:
            sock.close()
            reason = "connect_timeout"
        except OSError:
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise NotSent(reason)


def _wrapped(sock: socket.socket, host: str, limits: Limits) -> socket.socket:
    try:
        sock.settimeout(limits.left_s(limits.connect_by, "tls_timeout"))
        return tls().wrap_socket(sock, server_hostname=host)
    except TimeoutError:
        sock.close()
        raise NotSent("tls_timeout") from None
    except (OSError, ValueError):  # ssl.SSLError is an OSError; a certificate that does not match is one of them
        sock.close()
        raise NotSent("tls") from None
    except BaseException:
        sock.close()
        raise


def _refuse_framing(response: http.client.HTTPResponse) -> None:
    """One way to find the end of the body, or none at all."""
    lengths = response.headers.get_all("Content-Length", [])
    codings = response.headers.get_all("Transfer-Encoding", [])
    odd_coding = codings and [text.strip().lower() for text in codings] != ["chunked"]
    if len(lengths) > 1 or (lengths and codings) or odd_coding or response.status < FIRST_FINAL_STATUS:
        raise OutcomeUnknown("bad_answer")
    if lengths and _LENGTH.fullmatch(lengths[0]) is None:  # http.client reads what it cannot parse until the close
        raise OutcomeUnknown("bad_answer")


def read_body(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    """The whole body, decoded, never more than `max_bytes` before or after decoding."""
    coding = ", ".join(response.headers.get_all("Content-Encoding", [])).strip().lower()
    if coding not in {"", "identity", "gzip"}:  # "gzip, gzip" is among the refused
        raise OutcomeUnknown("encoding")
    declared = response.length
    if declared is not None and declared > max_bytes:
        raise OutcomeUnknown("too_large")
    unpack = _Gunzip(max_bytes) if coding == "gzip" and declared != 0 else _Plain(max_bytes)
    received = 0
    while chunk := response.read(CHUNK):
        received += len(chunk)
        unpack.add(chunk)
    if declared is not None and received != declared:
        raise OutcomeUnknown("truncated")
    return unpack.whole()


class _Plain:
    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._max:
            raise OutcomeUnknown("too_large")
        self._parts.append(chunk)

    def whole(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


class _Gunzip(_Plain):
    """One gzip member, unpacked a chunk at a time so that a bomb is met with 64 KiB in hand and not 600 MiB."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._machine = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._packed = 0

    def add(self, chunk: bytes) -> None:
        self._packed += len(chunk)
        while chunk and not self._machine.eof:
            try:
                super().add(self._machine.decompress(chunk, CHUNK))
            except zlib.error:
                raise OutcomeUnknown("encoding") from None
            if self._size > max(RATIO_COUNTS_FROM, self._packed * MAX_RATIO):
                raise OutcomeUnknown("bomb")
            chunk = self._machine.unconsumed_tail
        if chunk or self._machine.unused_data:
            raise OutcomeUnknown("encoding")

    def whole(self) -> bytes:
        if self._packed and not self._machine.eof:
            raise OutcomeUnknown("truncated")
        return super().whole()
