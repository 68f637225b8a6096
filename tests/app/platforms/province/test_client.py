"""Sorting of the contract's codes (province.md 3.1) and of answers that are no envelope, over a hand-held upstream."""

import json

import pytest

from app.core.errors import (
    NotSent,
    OutcomeUnknown,
    PlatformBusy,
    PlatformGarbled,
    PlatformMisconfigured,
    PlatformRefused,
)
from app.platforms.province import client
from app.platforms.province.client import Ask
from config.settings import get_settings
from tests.support import outbound, surroundings, upstreams

READ = Ask("read", "GET", "/thing")
WRITE = Ask("write", "POST", "/thing", body={"a": 1}, key="k-1", effect=True)


@pytest.fixture
def upstream(monkeypatch):
    with upstreams.running() as running:
        outbound.admit(monkeypatch, running.authority)
        settings = get_settings().model_copy(update={"province_base_url": running.url("/province")})
        monkeypatch.setattr(client, "get_settings", lambda: settings)
        yield running


def told(code, status="200 OK", *headers, **more):
    return upstreams.ok(
        json.dumps({"code": code, "message": "m", "requestId": "their-id", "data": {"x": 1}} | more).encode(),
        *headers,
        status=status,
    )


def caught(call):
    with pytest.raises(Exception) as error:
        client.ask(call)
    return error.value


TABLE = [
    (40001, "400 Bad Request", PlatformRefused, PlatformRefused),
    (40103, "401 Unauthorized", PlatformMisconfigured, PlatformMisconfigured),
    (40104, "401 Unauthorized", PlatformRefused, PlatformRefused),
    (40301, "403 Forbidden", PlatformMisconfigured, PlatformMisconfigured),
    (40302, "403 Forbidden", PlatformRefused, PlatformRefused),
    (40303, "403 Forbidden", PlatformRefused, PlatformRefused),
    (40401, "404 Not Found", PlatformRefused, PlatformRefused),
    (40901, "409 Conflict", PlatformRefused, PlatformRefused),
    (40902, "409 Conflict", PlatformRefused, PlatformRefused),
    (42901, "429 Too Many Requests", PlatformBusy, PlatformBusy),
    (50001, "500 Internal Server Error", PlatformBusy, OutcomeUnknown),
    (50301, "503 Service Unavailable", PlatformBusy, PlatformBusy),
    (50401, "504 Gateway Timeout", PlatformBusy, OutcomeUnknown),
    (77777, "200 OK", PlatformGarbled, PlatformGarbled),
]


@pytest.mark.parametrize(("code", "status", "reading", "writing"), TABLE)
def test_each_code_says_what_to_do_next(upstream, code, status, reading, writing):
    upstream.scripts = [told(code, status)]
    assert type(caught(READ)) is reading
    assert type(caught(WRITE)) is writing
    assert len(upstream.requests) == 2


def test_the_error_names_their_code_and_request_but_not_their_words(upstream):
    upstream.scripts = [told(40901, "409 Conflict", message="李明 990101199003070015")]
    error = caught(WRITE)
    assert (error.platform, error.operation, error.code, error.trace) == ("province", "write", "40901", "their-id")
    assert "李明" not in str(error)


@pytest.mark.parametrize("code", [40101, 40102])
def test_a_signature_refused_at_the_door_is_tried_once_more(upstream, code):
    upstream.scripts = [told(code, "401 Unauthorized"), told(0)]
    assert client.ask(WRITE).data == {"x": 1}
    first, second = upstream.requests
    assert _header(first, "x-tif-nonce") != _header(second, "x-tif-nonce")
    assert _header(first, "Idempotency-Key") == _header(second, "Idempotency-Key") == "k-1"


@pytest.mark.parametrize("code", [40101, 40102])
def test_a_signature_refused_twice_pages_somebody(upstream, code):
    upstream.scripts = [told(code, "401 Unauthorized")]
    assert type(caught(WRITE)) is PlatformMisconfigured
    assert len(upstream.requests) == 2


def test_after_a_clock_refusal_the_province_s_own_time_is_signed(upstream):
    theirs = 1_000_000 + int(client.time.time() * 1000)
    upstream.scripts = [told(40102, "401 Unauthorized", ts=theirs), told(0)]
    client.ask(READ)
    assert _header(upstream.requests[1], "x-tif-timestamp") == str(theirs // 1000)


@pytest.mark.parametrize("nonsense", [0, -1, 10**18, "1700000000000", None, True])
def test_a_time_out_of_all_reason_is_not_signed(upstream, nonsense):
    upstream.scripts = [told(40102, "401 Unauthorized", ts=nonsense), told(0)]
    client.ask(READ)
    assert abs(int(_header(upstream.requests[1], "x-tif-timestamp")) - client.time.time()) < 60


GARBAGE = [
    b"",
    b"<html>",
    b"[]",
    b'"ok"',
    b"{}",
    b'{"code":null}',
    b'{"code":"zero"}',
    b'{"code":{}}',
    b'{"code":0,"code":0}',
    b'{"code":0,"data":NaN}',
    b'{"code":0,"data":"\xff"}',
    b"[" * 5000,
    b'{"code":0,"data":{"tru',
]


@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_is_garbled_for_a_read_as_for_a_write(upstream, body):
    upstream.scripts = [upstreams.ok(body)]
    assert type(caught(READ)) is PlatformGarbled
    assert type(caught(WRITE)) is PlatformGarbled


@pytest.mark.parametrize(
    ("status", "reading", "writing"),
    [
        ("500 Oops", PlatformBusy, PlatformGarbled),
        ("502 Bad Gateway", PlatformBusy, PlatformGarbled),
        ("503 Busy", PlatformBusy, PlatformGarbled),
        ("429 Slow", PlatformBusy, PlatformBusy),
        ("404 Not Found", PlatformGarbled, PlatformGarbled),
        ("302 Found", PlatformGarbled, PlatformGarbled),
    ],
)
def test_a_gateway_s_page(upstream, status, reading, writing):
    upstream.scripts = [upstreams.ok(b"<html>trouble</html>", status=status)]
    assert type(caught(READ)) is reading
    assert type(caught(WRITE)) is writing


@pytest.mark.parametrize("status", ["500 Oops", "302 Found", "201 Created"])
def test_a_yes_under_another_status_is_no_yes(upstream, status):
    upstream.scripts = [told(0, status)]
    assert type(caught(WRITE)) is PlatformGarbled


@pytest.mark.parametrize(
    ("value", "wait_s"), [("7", 7), ("99999", 3600), ("-1", 10), ("soon", 10), ("٣", 10), ("9" * 50, 10), ("", 10)]
)
def test_retry_after(upstream, value, wait_s):
    upstream.scripts = [
        upstreams.ok(
            b'{"code":42901,"message":"","requestId":"r"}',
            f"Retry-After: {value.encode().decode('latin-1')}",
            status="429 Slow",
        )
    ]
    assert caught(READ).retry_after_s == wait_s


def test_a_reset_after_sending_is_unknown_and_nothing_is_repeated(upstream):
    upstream.scripts = [upstreams.reset]
    assert type(caught(WRITE)) is OutcomeUnknown
    assert len(upstream.requests) == 1


def test_nobody_listening_is_not_sent(upstream, monkeypatch):
    port = surroundings.free_port()
    outbound.admit(monkeypatch, f"127.0.0.1:{port}")
    settings = get_settings().model_copy(update={"province_base_url": f"http://127.0.0.1:{port}"})
    monkeypatch.setattr(client, "get_settings", lambda: settings)
    assert type(caught(WRITE)) is NotSent


def test_a_province_without_address_pages_somebody(upstream, monkeypatch):
    settings = get_settings().model_copy(update={"province_base_url": ""})
    monkeypatch.setattr(client, "get_settings", lambda: settings)
    assert type(caught(READ)) is PlatformMisconfigured


def test_headers_of_a_write(upstream):
    upstream.scripts = [told(0)]
    client.ask(Ask("w", "POST", "/thing", body={"名": "值"}, key="k-9", channel="wechat", region="990101000000"))
    (sent,) = upstream.requests
    assert sent.startswith(b"POST /province/v1/thing HTTP/1.1\r\n")
    assert sent.endswith('{"名":"值"}'.encode())
    assert _header(sent, "X-Channel") == "wechat"
    assert _header(sent, "X-Region") == "990101000000"
    assert _header(sent, "X-Request-Id")
    assert get_settings().province_paas_token.get_secret_value().encode() not in sent


def test_pages_end_where_the_province_says(upstream):
    upstream.scripts = [
        told(0, page={"cursor": "c2", "hasMore": True}),
        told(0, page={"cursor": "c3", "hasMore": False}),
        told(0),
    ]
    assert [client.ask(READ).cursor for _ in range(3)] == ["c2", None, None]


def _header(raw: bytes, name: str) -> str:
    wanted = name.lower() + ":"
    lines = raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return next((line[len(wanted) :].strip() for line in lines if line.lower().startswith(wanted)), "")
