"""X6: no header of a citizen's request reaches a service, and no framing trick makes two requests of one.

Raw bytes to a real gunicorn; the service's record is what is judged: only our headers, each once, and none of the
canaries every hostile request carries.
"""

import pytest

from tests.support.citizen_steps import APP
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, personal, plain, proved, trust, upstream
from tests.support.reach import assert_nothing_slipped_through
from tests.support.served import serving
from tests.support.upstream import received

__all__ = ["citizen", "gateway_app", "gateway_world", "personal", "plain", "proved", "trust", "upstream"]

CANARY = "canary-5d21"
OURS = (
    "X-Subject-Token", "X-Tif-Uid", "X-Tif-Uinfo", "X-Tif-Ext", "X-Tif-Paasid", "X-Tif-Signature", "X-Tif-Timestamp",
    "X-Tif-Nonce", "X-Rio-Uid", "X-Rio-Paasid", "X-Bg-Hmac-Access-Key", "gjgxjhpt_rid", "X-Client-Id", "X-Channel",
)  # fmt: skip
HOPS = (
    "Cookie", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via", "Origin",
    "Referer", "Proxy-Authorization", "Proxy-Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "X-Original-URL",
    "X-Rewrite-URL", "X-HTTP-Method-Override", "X-Method-Override", "Expect-CT", "Range", "If-None-Match", "User-Agent",
    "Content-MD5", "X-Anything",
)  # fmt: skip


def spellings(name: str) -> list[str]:
    return [name, name.upper(), name.lower(), name.replace("-", "_")]


def single() -> list[bytes]:
    """One hostile header line each, in every spelling."""
    lines = [f"{spelt}: {CANARY}" for name in (*OURS, *HOPS) for spelt in spellings(name)]
    lines += [f"Connection: close, {name}\r\n{name}: {CANARY}" for name in ("X-Tif-Uid", "X-App", "Authorization")]
    lines += [
        f"X-Request-Id: {CANARY}\r\n {CANARY}",
        f"X-Request-Id: {CANARY} with spaces",
        f"X-Region: {CANARY}",
        f"Accept-Language: {CANARY}",
        f"Accept: {CANARY}",
        f"X-A : {CANARY}",
        f": {CANARY}",
        f"X-Tif-Uid\t: {CANARY}",
        f"X-A: a\nX-Tif-Uid: {CANARY}",
        f"X-A: a\rX-Tif-Uid: {CANARY}",
        f"X-A: \x00{CANARY}",
        f"X-A: {CANARY}\x0bX-Tif-Uid: {CANARY}",
        f"Host: {CANARY}.example",
        f"Content-Length: 0\r\nContent-Length: 5\r\nX: {CANARY}",
        f"Content-Length: +0\r\nX: {CANARY}",
        f"Content-Length: -1\r\nX: {CANARY}",
        f"Content-Length: 0x0\r\nX: {CANARY}",
        f"Content-Length: 0, 0\r\nX: {CANARY}",
        f"Content-Length:\r\nX: {CANARY}",
        f"Transfer-Encoding: identity\r\nX: {CANARY}",
        f"Transfer-Encoding: xchunked\r\nX: {CANARY}",
        f"Transfer-Encoding: chunked, identity\r\nX: {CANARY}",
        f"Transfer-Encoding : chunked\r\nX: {CANARY}",
        f"Transfer_Encoding: chunked\r\nX: {CANARY}",
    ]
    return [line.encode("latin-1") for line in lines]


def inside(path: str) -> bytes:
    """A second request, hidden where a body would be."""
    return f"GET {path} HTTP/1.1\r\nHost: tb\r\nX-Tif-Uid: {CANARY}\r\n\r\n".encode()


def framings(path: str) -> list[tuple[bytes, bytes]]:
    """(header lines, bytes after the head): two readings of where the request ends."""
    hidden = inside(path)
    length = len(hidden)
    return [
        (f"Content-Length: {length}\r\nTransfer-Encoding: chunked".encode(), b"0\r\n\r\n" + hidden),
        (f"Transfer-Encoding: chunked\r\nContent-Length: {length}".encode(), b"0\r\n\r\n" + hidden),
        (b"Content-Length: 0\r\nContent-Length: 4", b"0\r\n\r\n" + hidden),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"0\r\n\r\n" + hidden),
        (b"Transfer-Encoding: chunked", b"0;\r\n\r\n" + hidden),
        (b"Transfer-Encoding: chunked", b"0x0\r\n\r\n" + hidden),
        (b"Transfer-Encoding: chunked", b"-1\r\n\r\n" + hidden),
        (b"Transfer-Encoding: chunked", b"0\n\n" + hidden),
        (b"Transfer-Encoding: chunked", b"0\r\nX-Tif-Uid: " + CANARY.encode() + b"\r\n\r\n"),
        (b"Transfer-Encoding: \x0bchunked", b"0\r\n\r\n" + hidden),
        (b"Transfer-Encoding: chunKed", b"0\r\n\r\n"),
        (b"Content-Length: 1", b""),
    ]


def request(path: str, token: str, extra: bytes, rest: bytes = b"", method: str = "GET") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: tb\r\nX-App: {APP}\r\nAuthorization: Bearer {token}\r\n"
    return head.encode() + extra + b"\r\nConnection: close\r\n\r\n" + rest


def is_civil(answer: bytes) -> bool:
    """No crash: a 4xx, an answer, silence, or gunicorn's 501 for a transfer coding it does not know (RFC 9112, 6.1)."""
    return not answer.startswith(b"HTTP/1.1 5") or answer.startswith(b"HTTP/1.1 501")


def test_X6_the_corpus_is_large_enough():
    assert len(single()) + len(framings("/")) >= 100


def test_X6_no_header_and_no_framing_reaches_a_service(citizen, upstream, plain, tmp_path):
    phones = [citizen(f"openid-{n}") for n in range(10)]
    path = f"/v1/services/{plain}/call/cards/1"
    with serving(tmp_path, upstream.authority) as served:
        for at, line in enumerate(single()):
            answer = served.say(request(path, phones[at % 10].token, line), half_close=True)
            assert is_civil(answer), (line, answer[:200])
        for at, (lines, rest) in enumerate(framings(path)):
            before = len(upstream.requests)
            answer = served.say(request(path, phones[at % 10].token, lines, rest), half_close=True)
            assert is_civil(answer), (lines, answer[:200])
            assert len(upstream.requests) <= before + 1, lines
    assert upstream.requests
    for seen in received(upstream):
        assert_nothing_slipped_through(seen, CANARY, APP, *(phone.token for phone in phones))


def test_X6_two_values_of_what_proves_the_caller_are_none(citizen, upstream, plain, tmp_path):
    one, other = citizen("openid-1"), citizen("openid-2")
    path = f"/v1/services/{plain}/call/cards/1"
    with serving(tmp_path, upstream.authority) as served:
        for extra in (f"Authorization: Bearer {other.token}", f"X-App: {APP}"):
            answer = served.say(request(path, one.token, extra.encode()), half_close=True)
            assert answer[9:12] in {b"400", b"401"}, (extra, answer[:200])
    assert upstream.requests == []


@pytest.mark.parametrize(
    "name", ["Authorization", "Cookie", "X-Forwarded-For", "X-Subject-Token", "x_subject_token", "X-Tif-Uid"]
)
def test_X6_a_write_carries_our_ticket_alone(proved, personal, upstream, name):
    headers = {"X-App": APP, "Authorization": f"Bearer {proved.token}", "Idempotency-Key": "key-00000001"}
    headers |= {name: CANARY} if name != "Authorization" else {}
    url = f"/v1/services/{personal}/call/cards"
    assert proved.client.post(url, json={"reason": "LOST"}, headers=headers).status_code == 200
    (seen,) = received(upstream)
    assert seen.header("X-Subject-Token") == "ticket-subject-li-cards-1"
    assert_nothing_slipped_through(seen, CANARY, APP, proved.token, proved.account_id, proved.citizen_id)
