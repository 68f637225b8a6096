"""Bad input over real loopback HTTP, gunicorn as production runs it: a stable refusal of the table, never a 500.

Every line below is one request and the answer it must get: status and problem code. For a callback the answer is the
platform's own refusal, which has no code. After all of them the server still serves and nothing has been lost or won.
"""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app.core.db import ALL_TENANTS, transaction
from tests.support import calling_back, gateway, outbound
from tests.support.bad_input import TYPE, Bad, callback_cases, field_cases, json_cases, path_cases, proof_cases
from tests.support.citizen_steps import APP
from tests.support.served import Served, serving
from tests.support.upstream import JSON, enveloped
from tests.support.upstreams import Upstream, answer, ok, running
from tests.support.whole_town import Town, living, settle, whole_app

__all__ = ["whole_app"]

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running(enveloped({"card": "ok"})) as made:
        yield made


@pytest.fixture(scope="module")
def settled(whole_app, servers, _listening_sandbox) -> Iterator[Town]:
    """One town for all: nothing that is refused changes it."""
    servers.clean()
    _listening_sandbox.reset()
    with living(whole_app, _listening_sandbox) as made:
        settle(made)
        yield made


@pytest.fixture(scope="module")
def service(settled: Town, upstream: Upstream) -> Iterator[str]:
    """A service of A's item whose answers the test writes byte by byte."""
    with pytest.MonkeyPatch.context() as patch:
        outbound.admit(patch, upstream.authority, f"127.0.0.1:{settled.sandbox.port}")
        document = gateway.plain_manifest(upstream.url()[:-1], item_codes=[settled.objects["code"]])
        version = gateway.registration.register_manifest(settled.people["integrator"].principal(), document)
        settled.approve(version.approval_id or "")
        yield version.service_id


@pytest.fixture(scope="module")
def served(settled: Town, service: str, upstream: Upstream, tmp_path_factory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("var"), upstream.authority, workers=2) as made:
        yield made


def send(served: Served, town: Town, bad: Bad) -> tuple[int, str, bytes]:
    proof = {"X-App": APP, "Authorization": f"Bearer {town.a.token}"} if bad.proved else {}
    status, headers, body = served.ask(bad.method, bad.path, bad.body, proof | bad.headers)
    assert headers.get("X-Request-Id") or bad.method == "CONNECT", bad.what
    return status, headers.get("Content-Type", ""), body


def test_every_bad_request_gets_its_own_refusal(served, settled, service):
    wrong = []
    for bad in (*json_cases(), *field_cases(), *proof_cases(), *path_cases(service)):
        status, kind, body = send(served, settled, bad)
        code = json.loads(body)["code"] if kind == "application/problem+json" and body else kind
        if (status, code) != (bad.status, bad.code):
            wrong.append(f"{bad.method} {bad.path[:60]}, {bad.what}: {status} {code}, not {bad.status} {bad.code}")
        if any(
            canary in body
            for canary in (b"Traceback", b"psycopg", b"sqlalchemy", b"werkzeug", settled.a.token.encode())
        ):
            wrong.append(f"{bad.what} shows what is inside")
    assert wrong == [], "\n".join(wrong)
    assert served.is_up()
    assert send(served, settled, Bad("and the honest one", 200, ""))[0] == 200


@pytest.mark.parametrize(("path", "first"), [
    ("/v1/cases", b"{}"), ("/v1/me/consents", b'{"purpose":"terms","text_version":"1"}'),
    ("/v1/services/{service}/call/cards", b"{}"), ("/callbacks/province/events", b"{}"),
])  # fmt: skip
def test_a_body_in_chunks_without_end_is_cut_off_and_refused(served, settled, service, path, first):
    """What stands in front is whole and would pass: a server that cut the rest off in silence would take it."""
    head = (
        f"POST {path.format(service=service)} HTTP/1.1\r\nHost: tb\r\nX-App: {APP}\r\n"
        f"Authorization: Bearer {settled.a.token}\r\nIdempotency-Key: key-00000001\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    ).encode()
    start = b"%x\r\n%s\r\n" % (len(first), first)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = served.say(head + start + chunk * 40 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413"), answer


def test_a_length_that_lies_is_refused_before_a_byte_is_read(served, settled):
    head = f"POST /v1/me/consents HTTP/1.1\r\nHost: tb\r\nX-App: {APP}\r\nAuthorization: Bearer {settled.a.token}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 999999999\r\nConnection: close\r\n\r\n"
    assert served.say(head.encode() + b"{", half_close=True).startswith(b"HTTP/1.1 413")


def test_a_used_code_is_refused_over_http(served, settled):
    code = settled.sandbox.control("POST", "wechat/codes", user="other")["code"]
    body = json.dumps({"code": code}).encode()
    first, second = (served.ask("POST", "/v1/sessions", body, {"X-App": APP} | TYPE) for _ in range(2))
    assert first[0] == 201
    assert (second[0], json.loads(second[2])["code"]) == (401, "code_refused")


def test_callbacks_of_nobody_are_refused_and_leave_nothing(served, settled):
    settled.rest()
    before = rows("SELECT count(*) FROM inbound_events")
    wrong = []
    for what, call, expected in callback_cases(case_number(settled), settled.objects["template"]):
        target = f"{call.path}?{call.query}" if call.query else call.path
        status, _, body = served.ask("POST", target, call.body, call.headers)
        if status != expected or len(body) > 400:
            wrong.append(f"{what}: {status}, not {expected}: {body[:80]!r}")
    assert wrong == [], "\n".join(wrong)
    assert rows("SELECT count(*) FROM inbound_events") == before


def test_a_replayed_callback_is_answered_and_not_applied_again(served, settled):
    call = calling_back.province(case_number(settled))
    before = rows("SELECT count(*) FROM inbound_events")
    answers = {served.ask("POST", call.path, call.body, call.headers)[::2] for _ in range(3)}
    assert len(answers) == 1
    assert next(iter(answers))[0] == 200
    assert rows("SELECT count(*) FROM inbound_events") == [(before[0][0] + 1,)]


UPSTREAM_LIES = {
    "a gzip bomb": (ok(gzip.compress(b" " * 64 * MIB), JSON, "Content-Encoding: gzip"), 502, "upstream_garbled"),
    "a redirect": (ok(b"", "Location: http://127.0.0.1:1/", status="302 Found"), 502, "upstream_garbled"),
    "a redirect home": (ok(b"", "Location: /", status="307 Temporary Redirect"), 502, "upstream_garbled"),
    "a page": (ok(b"<html>", "Content-Type: text/html"), 502, "upstream_garbled"),
    "half an object": (ok(b'{"errcode":0,', JSON), 502, "upstream_garbled"),
    "NaN": (ok(b'{"errcode":0,"data":NaN}', JSON), 502, "upstream_garbled"),
    "20,000 deep": (ok(b"[" * 20_000, JSON), 502, "upstream_garbled"),
    "no HTTP at all": (answer(b"\x16\x03\x01 hello\r\n\r\n"), 502, "upstream_garbled"),
    "a lie about its length": (ok(b"{}", JSON, "Content-Length: 3"), 502, "upstream_garbled"),
}  # fmt: skip


def test_what_a_service_lies_is_a_502_and_nothing_of_it_is_told(served, settled, service, upstream):
    settled.a.consent(f"service:{service}")
    honest = send(served, settled, Bad("honest", 200, "", path=f"/v1/services/{service}/call/cards/1"))
    assert (honest[0], json.loads(honest[2])) == (200, {"data": {"card": "ok"}})
    for what, (script, status, code) in UPSTREAM_LIES.items():
        upstream.scripts[:] = [script]
        told = send(served, settled, Bad(what, status, code, path=f"/v1/services/{service}/call/cards/1"))
        assert (told[0], json.loads(told[2])["code"]) == (status, code), what
        assert len(told[2]) < 2000, what


def rows(sql: str) -> list[Any]:
    with transaction(ALL_TENANTS) as session:
        return [tuple(row) for row in session.execute(text(sql))]


def case_number(town: Town) -> str:
    return str(town.a.send("GET", f"/v1/cases/{town.objects['case_id']}").json["case_no"])
