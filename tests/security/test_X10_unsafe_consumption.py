"""X10: an answer that is not what was agreed is not relayed; no byte of it reaches the citizen, the log or the table."""

import json

import pytest

from handlers.gateway import exchanges
from tests.support.gateway import call, plain_manifest, publish
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, personal, plain, proved, trust, upstream
from tests.support.upstream import JSON
from tests.support.upstreams import answer, close, ok

__all__ = ["citizen", "gateway_app", "gateway_world", "personal", "plain", "proved", "trust", "upstream"]

CANARY = "canary-7f3a"
C = CANARY.encode()
GARBAGE = {
    "html": ok(b"<html><script>" + C + b"</script></html>", "Content-Type: text/html"),
    "json called html": ok(b'{"errcode":0,"data":"' + C + b'"}', "Content-Type: text/html"),
    "json of no type": ok(b'{"errcode":0,"data":"' + C + b'"}'),
    "half a document": ok(b'{"errcode":0,"data":"' + C, JSON),
    "half a body": answer(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n" + C),
    "no envelope": ok(b'{"data":"' + C + b'"}', JSON),
    "a list": ok(b'["' + C + b'"]', JSON),
    "a verdict that is an object": ok(b'{"errcode":{},"data":"' + C + b'"}', JSON),
    "a verdict of another type": ok(b'{"errcode":false,"data":"' + C + b'"}', JSON),
    "two verdicts": ok(b'{"errcode":1,"errcode":0,"data":"' + C + b'"}', JSON),
    "NaN": ok(b'{"errcode":0,"data":NaN,"x":"' + C + b'"}', JSON),
    "not utf-8": ok(b'{"errcode":0,"data":"\xff' + C + b'"}', JSON),
    "a surrogate": ok(b'{"errcode":0,"data":"\\ud800' + C + b'"}', JSON),
    "deep": ok(b'{"errcode":0,"data":' + b"[" * 20_000 + b"]" * 20_000 + b"}", JSON),
    "a number of 5000 digits": ok(b'{"errcode":0,"data":' + b"9" * 5000 + b"}", JSON),
    "not http": answer(b"SSH-2.0-" + C + b"\r\n\r\n"),
    "a status that is none": answer(b"HTTP/1.1 999999 " + C + b"\r\n\r\n"),
    "a folded header": answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n X: y\r\nContent-Type: text/plain\r\n\r\n{}"),
    "empty": ok(b"", JSON),
}


def assert_no_byte(answer, capfd) -> None:
    assert CANARY not in answer.get_data(as_text=True)
    assert CANARY not in str(answer.headers)
    assert CANARY not in "".join(capfd.readouterr())


@pytest.mark.parametrize("script", GARBAGE.values(), ids=GARBAGE)
def test_X10_garbage_is_502_for_a_read(citizen, plain, upstream, capfd, script):
    upstream.scripts[:] = [lambda wire: (script(wire), close(wire))]
    answer = call(citizen(), plain, "GET", "/cards/1")
    assert answer.status_code == 502, answer.json
    assert answer.json["code"] == "upstream_garbled"
    assert_no_byte(answer, capfd)


@pytest.mark.parametrize("script", GARBAGE.values(), ids=GARBAGE)
def test_X10_garbage_leaves_a_write_unknown(proved, personal, upstream, capfd, script):
    upstream.scripts[:] = [lambda wire: (script(wire), close(wire))]
    answer = call(proved, personal, "POST", "/cards", {}, Idempotency_Key="key-00000001")
    assert (answer.status_code, answer.json["code"]) == (504, "outcome_unknown")
    assert_no_byte(answer, capfd)


@pytest.mark.parametrize(
    "status", ["400 Bad", "404 Not Found", "403 Forbidden", "410 Gone", "500 Oops", "502 Bad Gateway"]
)
def test_X10_an_error_page_is_never_shown(citizen, plain, upstream, capfd, status):
    upstream.scripts[:] = [ok(b"<h1>" + C + b"</h1>", "Content-Type: text/html", f"X-Debug: {CANARY}", status=status)]
    answer = call(citizen(), plain, "GET", "/cards/1")
    assert answer.status_code in {502, 503}
    assert_no_byte(answer, capfd)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("40901", "40901"),
        ("E-7.1_x", "E-7.1_x"),
        (f"<b>{CANARY}</b>", "other"),
        ("x" * 65, "other"),
        ("", "other"),
        ("拒绝", "other"),
    ],
)
def test_X10_of_a_refusal_only_a_word_is_told(citizen, upstream, capfd, code, word):
    document = plain_manifest(upstream.url()[:-1])
    document["upstream"]["envelope"] = "jis"
    service_id = publish(document)
    body = json.dumps({"retcode": code, "msg": CANARY, "data": CANARY}).encode()
    upstream.scripts[:] = [ok(body, JSON, status="400 Bad Request")]
    answer = call(citizen(), service_id, "GET", "/cards/1")
    assert (answer.status_code, answer.json["code"], answer.json["upstream_code"]) == (422, "upstream_refused", word)
    assert_no_byte(answer, capfd)


def test_X10_the_table_keeps_digests_only(proved, personal, upstream):
    upstream.scripts[:] = [GARBAGE["html"]]
    call(proved, personal, "POST", "/cards", {"note": CANARY}, Idempotency_Key="key-00000001")
    exchanges.BATCH.flush()
    with exchanges.transaction("*") as db:
        rows = db.execute(exchanges.text("SELECT row_to_json(e)::text FROM exchanges e")).scalars().all()
    assert rows
    assert not any(CANARY in row for row in rows)
