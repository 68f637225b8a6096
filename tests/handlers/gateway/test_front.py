"""Two doors, one road: before Flask's dispatch and behind it, the same request gets the same answer."""

import io
import json

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.core import idempotency
from handlers.gateway import front
from tests.support.citizen_steps import APP
from tests.support.upstream import received

KEPT = ("Content-Type", "X-Content-Type-Options", "Retry-After", "Allow", "WWW-Authenticate", "Content-Language")


def through(door, phone, method: str, path: str, body: bytes = b"", **headers: str):
    """Status, the headers that say something, and the body without its request id."""
    sent = {"X-App": APP, "Authorization": f"Bearer {phone.token}", "X-Request-Id": "request-0001"} | headers
    builder = EnvironBuilder(path=path, method=method, headers=sent, input_stream=io.BytesIO(body))
    if body:
        builder.content_length = len(body)
    chunks, status, got = run_wsgi_app(door, builder.get_environ())
    return status[:3], {name: got[name] for name in KEPT if name in got}, json.loads(b"".join(chunks) or b"null")


@pytest.fixture
def doors(gateway_app):
    return gateway_app.wsgi_app, lambda environ, start: Flask.wsgi_app(gateway_app, environ, start)


READS = [
    ("GET", "/cards/99-1"),
    ("GET", "/cards/99-1?page=2&q=%E5%BC%A0"),
    ("GET", "/other"),
    ("GET", "/cards/a%2Fb"),
    ("GET", "/cards/..%2f"),
    ("GET", "/cards/1?admin=1"),
    ("GET", "/cards/1?page=1&page=2"),
    ("GET", "/cards/1?access_token=x"),
    ("DELETE", "/cards/1"),
    ("POST", "/cards/1"),
]


@pytest.mark.parametrize(("method", "path"), READS)
def test_both_doors_answer_alike(citizen, doors, plain, method, path):
    phone = citizen()
    first, second = (through(door, phone, method, f"/v1/services/{plain}/call{path}") for door in doors)
    assert first == second


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""}, {"X-App": ""}, {"X-App": "wechat/wx0000000000000000"}, {"X-Region": "110000000000"},
        {"X-Region": "990100000000"}, {"Accept-Language": "en"},
    ],
)  # fmt: skip
def test_both_doors_read_the_same_headers(citizen, doors, plain, headers):
    phone = citizen()
    first, second = (through(door, phone, "GET", f"/v1/services/{plain}/call/cards/1", **headers) for door in doors)
    assert first == second


def test_both_doors_send_the_same_bytes(doors, upstream, personal, proved):
    body, json_type = b'{"reason":"LOST"}', {"Content-Type": "application/json"}
    for at, door in enumerate(doors):
        key = {"Idempotency-Key": f"key-0000000{at}"}
        assert (
            through(door, proved, "POST", f"/v1/services/{personal}/call/cards", body, **json_type, **key)[0] == "200"
        )
    first, second = received(upstream)
    assert (first.target, first.body, set(first.headers)) == (second.target, second.body, set(second.headers))


def test_other_paths_go_on_to_flask(gateway_app, gateway_world):
    client = gateway_app.test_client()
    assert client.get("/v1/services", headers={"X-App": APP}).status_code == 200
    assert client.get("/v1/services/x/calls/y", headers={"X-App": APP}).json["code"] == "not_found"


def test_a_bug_is_a_500_that_tells_nothing(citizen, plain, monkeypatch):
    def bug(*_args: object) -> None:
        raise KeyError("canary-detail")

    monkeypatch.setattr(front.road, "decide", bug)
    answer = citizen().send("GET", f"/v1/services/{plain}/call/cards/1")
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert b"canary" not in answer.data
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_a_database_that_is_away_is_a_503_and_reads_go_on(citizen, plain, personal, upstream, monkeypatch):
    phone = citizen(at=3)
    assert phone.consent(f"service:{personal}").status_code == 201
    path = f"/v1/services/{personal}/call/cards"
    assert phone.send("GET", f"/v1/services/{plain}/call/cards/1").status_code == 200

    def away(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("", {}, Exception())

    monkeypatch.setattr(idempotency, "transaction", away)
    answer = phone.send("POST", path, {}, Idempotency_Key="key-00000001")
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "unavailable", "5")
    assert phone.send("GET", f"/v1/services/{plain}/call/cards/1").status_code == 200
    assert {seen.method for seen in received(upstream)} == {"GET"}


def test_a_request_without_its_raw_target_is_refused(gateway_app, citizen, upstream, plain):
    environ = EnvironBuilder(path=f"/v1/services/{plain}/call/cards/1", headers={"X-App": APP}).get_environ()
    del environ["RAW_URI"], environ["REQUEST_URI"]
    chunks, status, _ = run_wsgi_app(gateway_app.wsgi_app, environ)
    assert (status[:3], json.loads(b"".join(chunks))["code"]) == ("400", "path_refused")
    assert upstream.requests == []


@pytest.mark.parametrize("length", ["-1", "1e3", "+5", "٣", "99999999999"])
def test_an_odd_length_is_refused(gateway_app, citizen, upstream, plain, length):
    phone = citizen()
    builder = EnvironBuilder(
        path=f"/v1/services/{plain}/call/cards/1", headers={"X-App": APP, "Authorization": f"Bearer {phone.token}"}
    )
    _, status, _ = run_wsgi_app(gateway_app.wsgi_app, builder.get_environ() | {"CONTENT_LENGTH": length})
    assert status.startswith("4")
    assert upstream.requests == []
