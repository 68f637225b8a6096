"""Where a call may go (security.md X1, X2, X3, X5): pure rules about URLs, paths and addresses, and one look-up.

app/core/http.py asks before every connection; the gateway asks `checked_path` before it builds an upstream URL, the
registration of a service asks `parse` before a person is asked. Nothing here opens a connection.
"""

import ipaddress
import re
import socket
import unicodedata
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookupTimeoutError
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from app.core.errors import NotSent
from config.egress import PORTS, REFUSED_ADDRESSES
from config.settings import get_settings

MAX_URL: Final = 8192
LOOKUP_THREADS: Final = 8

IPv4, IPv6 = ipaddress.IPv4Address, ipaddress.IPv6Address

_URL = re.compile(
    r"(https?)://([a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?(/[!$-;=@-\[\]_a-z~]*)?(\?[!$-;=?-\[\]_a-z~]*)?"
)
# A name: at least two labels, the last begins with a letter. So no spelling of a number (127.1, 0x7f.1, 2130706433,
# 127.0.0.0x1) is a name, and neither is localhost.
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)*/?")
_WIRE_PATH = re.compile(r"[!-~]*")
_SEGMENT_SAFE: Final = "-._~!$&'()*+,=:@"
_SEGMENT_REFUSED = re.compile(r"[\x00-\x1f\x7f/\\%;?#\"<>\[\]^`{|}]")

_SLASHES: Final = (
    "\u2044\u2215\u2216\u29f8\u29f9"  # no mapping in Unicode, but "best fit" tables of code pages have one
)

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")
# Global to Python's tables (3.11.7), yet not the public internet: protocol assignments, where one cloud keeps its
# metadata, and the retired 6to4 relays.
_NOT_PUBLIC: Final = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("192.88.99.0/24"))
_UNICAST6 = ipaddress.IPv6Network("2000::/3")
_DOCUMENTATION6 = ipaddress.IPv6Network("3fff::/20")  # RFC 9637, newer than the tables of Python 3.11
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


class BadPath(ValueError):
    """A path that could mean another path to somebody else. `reason` is one static word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Target(NamedTuple):
    """A URL that passed: `target` is the request target, byte for byte as it was written."""

    scheme: str
    host: str
    port: int
    target: str
    excepted: bool

    @property
    def authority(self) -> str:
        """The Host header: the port only where it is not the scheme's own."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"


_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def parse(url: str) -> Target:
    """Take a URL apart, refusing what needs repair: nothing is lower-cased, decoded or resolved against anything.

    Raises NotSent: url, scheme, port, host, path. Only settings.egress_exceptions admits http, IP literals and other
    ports.
    """
    match = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if match is None:
        raise NotSent("url")
    scheme, host, port_text, path, query = match.groups()
    port = int(port_text) if port_text else _DEFAULT_PORTS[scheme]
    excepted = f"{host}:{port}" in get_settings().egress_exceptions
    if not excepted:
        _refuse_origin(scheme, host, port)
    refuse_ambiguous(path or "/")
    return Target(scheme, host, port, (path or "/") + (query or ""), excepted)


def _refuse_origin(scheme: str, host: str, port: int) -> None:
    if scheme != "https":
        raise NotSent("scheme")
    if port not in PORTS:
        raise NotSent("port")
    if _NAME.fullmatch(host) is None:
        raise NotSent("host")


def refuse_ambiguous(path: str) -> None:
    """A path leaves only if the checked form of it is the path itself."""
    if _PLAIN_PATH.fullmatch(path):
        return
    try:
        unchanged = checked_path(path) == path
    except BadPath:
        raise NotSent("path") from None
    if not unchanged:
        raise NotSent("path")


def checked_path(raw_path: str) -> str:
    """The path with each segment decoded once, judged and written anew; raises BadPath.

    `raw_path` begins with "/", is as it came over the wire, without query. One trailing slash is kept. Refused: dot
    segments, encoded slash, backslash or dot, double encoding, `;`, control bytes, empty segments, text that is not
    UTF-8, and characters that a compatibility mapping would turn into any of these.
    """
    if raw_path and _PLAIN_PATH.fullmatch(raw_path):  # nothing to decode and no way to mean another path
        return raw_path
    if not raw_path.startswith("/"):
        raise BadPath("not_absolute")
    if _WIRE_PATH.fullmatch(raw_path) is None:
        raise BadPath("not_encoded")
    inner = raw_path[1:].removesuffix("/")
    if not inner:
        if raw_path == "/":
            return "/"
        raise BadPath("empty_segment")
    ending = "/" if raw_path.endswith("/") else ""
    return "".join("/" + _checked_segment(raw) for raw in inner.split("/")) + ending


def _checked_segment(raw: str) -> str:
    if not raw:
        raise BadPath("empty_segment")
    if re.search(r"%(?![0-9A-Fa-f]{2})", raw):
        raise BadPath("escape")
    if "%2e" in raw.lower():
        raise BadPath("encoded_dot")
    try:
        segment = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise BadPath("not_utf8") from None
    if segment.strip(".") == "" or segment.endswith(" ") or segment.startswith(" "):
        raise BadPath("dot_segment")
    if _SEGMENT_REFUSED.search(segment):
        raise BadPath("character")
    _refuse_look_alikes(segment)
    return quote(segment, safe=_SEGMENT_SAFE)


def _refuse_look_alikes(segment: str) -> None:
    """U+FF0F becomes "/" and U+2025 ".." under NFKC, which some upstream framework will apply."""
    if segment.isascii():
        return
    for char in segment:
        if char.isascii():
            continue
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            raise BadPath("character")
        if char in _SLASHES or any(part in "./\\%;?#" for part in unicodedata.normalize("NFKC", char)):
            raise BadPath("look_alike")


@lru_cache(maxsize=4096)
def is_permitted(text: str) -> bool:
    """Whether a numeric address is a plain public unicast one, whatever it is wrapped in."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return _public4(address) if isinstance(address, IPv4) else _public6(address)


def _public4(address: ipaddress.IPv4Address) -> bool:
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_loopback or address.is_unspecified)
        and not any(address in network for network in _NOT_PUBLIC)
        and str(address) not in REFUSED_ADDRESSES
    )


def _public6(address: ipaddress.IPv6Address) -> bool:
    if address.scope_id is not None or address in _NAT64_LOCAL:
        return False
    if not all(_public4(inner) for inner in _wrapped(address)):
        return False
    if address.ipv4_mapped is not None or address in _NAT64:  # judged by what is inside, which passed
        return True
    return address.is_global and address in _UNICAST6 and address not in _DOCUMENTATION6


def _wrapped(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Every IPv4 address an IPv6 address stands for, by any transition mechanism."""
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    number = int(address)
    embeds_last = any(address in network for network in (_NAT64, _COMPATIBLE, _TRANSLATED))
    if embeds_last or (number >> 32 & 0xFFFFFFFF) in _ISATAP:
        inner.append(IPv4(number & 0xFFFFFFFF))
    return [found for found in inner if found is not None]


# The system's resolver knows no deadline; a thread that is stuck in it is left behind and costs one of these.
_lookups: ThreadPoolExecutor | None = None


def addresses(target: Target, timeout_s: float) -> list[tuple[int, Any]]:
    """Resolve once: (family, socket address) of each answer. One refused address refuses the name (X2, X3).

    Raises NotSent: dns, dns_timeout, address.
    """
    found = _answers(target, timeout_s)
    if not target.excepted and not all(is_permitted(address[0]) for _, address in found):
        raise NotSent("address")
    return found


def _answers(target: Target, timeout_s: float) -> list[tuple[int, Any]]:
    try:
        if target.excepted:
            answers = look_up(target.host.strip("[]"), target.port)
        else:
            answers = _submit(target).result(max(0.0, timeout_s))
    except LookupTimeoutError:
        raise NotSent("dns_timeout") from None
    except (OSError, UnicodeError):
        raise NotSent("dns") from None
    if not answers:
        raise NotSent("dns")
    return [(int(family), address) for family, _, _, _, address in answers]


def _submit(target: Target) -> "Future[list[Any]]":
    global _lookups  # noqa: PLW0603  one pool a process, made when first needed so that a fork starts clean
    if _lookups is None:
        _lookups = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")
    return _lookups.submit(look_up, target.host, target.port)


def look_up(host: str, port: int) -> list[Any]:
    """The system's answer, as socket.getaddrinfo gives it. Tests put their own in its place."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)


def forget() -> None:
    """After a fork: the parent's threads are not here."""
    global _lookups  # noqa: PLW0603  see above
    _lookups = None
