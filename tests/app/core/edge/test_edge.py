"""The edge through a tiny room of its own: what comes in, how refusals look, lists, ETags, callers."""

import json

import pytest

import app.factory
from app.core import db
from app.core import events as outbox
from app.core.edge import problems
from app.core.errors import Problem
from config.problems import PROBLEMS
from config.settings import get_settings
from tests.support import edge_room


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(app.factory, "ROOMS", ("tests.support.edge_room", "handlers.health", "handlers.docs"))
    return app.factory.create_app().test_client()


def _post(client, raw: bytes, content_type="application/json"):
    return client.post("/probe/things", data=raw, content_type=content_type)


def test_a_good_body_passes(client):
    answer = _post(client, b'{"name": "\xe7\xa4\xbe\xe4\xbf\x9d", "parts": [{"code": "a"}]}')
    assert answer.status_code == 201
    assert answer.json == {"name": "社保", "count": 1, "parts": [{"code": "a"}]}
    assert "社保".encode() in answer.data


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"", b'{"name": "a", "name": "b"}', b'{"name": NaN}', b"[" * 20_000, b'{"name": "\xff"}',
        '{"name": "a"}'.encode("utf-16"), b'{"name": "\\ud800"}', b'{"count": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_I1_what_is_no_strict_json_is_400_invalid_json(client, raw):
    answer = _post(client, raw)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_json")
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("name", "required")]),
        ({"name": 7}, [("name", "type")]),
        ({"name": None}, [("name", "null")]),
        ({"name": "123456789"}, [("name", "length")]),
        ({"name": "a", "count": "1"}, [("count", "type")]),
        ({"name": "a", "count": 1.5}, [("count", "type")]),
        ({"name": "a", "openid": "o"}, [("openid", "unknown")]),
        ({"name": "a", "parts": [{"code": "ok"}, {"code": "too long"}]}, [("parts.1.code", "length")]),
        ([], [("_schema", "type")]),
    ],
)
def test_wrong_fields_are_named_with_a_stable_word(client, body, errors):
    answer = client.post("/probe/things", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
    assert [(item["field"], item["code"]) for item in answer.json["errors"]] == errors


def test_another_content_type_is_415(client):
    assert _post(client, b"name=a", "application/x-www-form-urlencoded").json["code"] == "unsupported_media_type"


def test_an_oversized_body_is_413(client):
    answer = client.post("/probe/things", json={"name": "a" * 300_000})
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


@pytest.mark.parametrize("query", ["limit=1&limit=2", "cursor=a&cursor=b"])
def test_I5_a_repeated_parameter_is_refused(client, query):
    assert client.get(f"/probe/events?{query}").json["code"] == "repeated_parameter"


@pytest.mark.parametrize("name", ["access_token", "token", "Session", "openid"])
def test_L5_a_token_in_the_address_is_refused(client, name):
    answer = client.get(f"/probe/events?{name}=tbs_canary")
    assert (answer.status_code, answer.json["code"]) == (400, "token_in_url")
    assert "canary" not in answer.text


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=%D9%A3x", "other=1", "cursor=%2F%2F"])
def test_a_bad_query_is_422(client, query, db_clean):
    answer = client.get(f"/probe/events?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")


def test_a_problem_carries_code_sentence_request_id_fields_and_headers(client):
    answer = client.get("/probe/problem", headers={"X-Request-Id": "req-12345678"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "7"
    assert answer.headers["X-Request-Id"] == "req-12345678"
    assert answer.json == {
        "type": "about:blank", "title": "Service Unavailable", "status": 503, "code": "unavailable",
        "detail": PROBLEMS["unavailable"].zh, "request_id": "req-12345678", "need": "L3",
        "errors": [{"field": "a.b", "code": "required"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("accepts", "language"),
    [("", "zh"), ("en", "en"), ("en-US,en;q=0.9,zh;q=0.1", "en"), ("zh-CN,en;q=0.5", "zh"), ("fr", "zh")],
)
def test_the_sentence_follows_the_language(client, accepts, language):
    answer = client.get("/nowhere", headers={"Accept-Language": accepts})
    assert answer.json["detail"] == getattr(PROBLEMS["not_found"], language)


def test_a_request_id_of_another_form_is_replaced(client):
    assert client.get("/healthz", headers={"X-Request-Id": "a b\tc"}).headers["X-Request-Id"] != "a b\tc"


def test_P12_a_bug_is_a_500_that_tells_nothing(client):
    client.application.testing = False
    answer = client.get("/probe/bug")
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert "canary" not in answer.text


@pytest.mark.parametrize("store", sorted(edge_room.AWAY))
def test_a_store_that_is_away_is_a_503_that_says_when_to_come_back(client, store):
    answer = client.get(f"/probe/away/{store}")
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "canary" not in answer.text


@pytest.mark.parametrize("code", sorted(code for code, text in PROBLEMS.items() if text.status in (429, 503)))
def test_every_429_and_503_says_when_to_come_back(client, code):
    with client.application.test_request_context():
        assert problems.render(Problem(code)).headers["Retry-After"] == str(problems.COME_BACK_S)
        assert problems.render(Problem(code, headers={"Retry-After": "7"})).headers.getlist("Retry-After") == ["7"]


def test_a_wrong_method_is_405_with_allow(client):
    answer = client.delete("/probe/things")
    assert (answer.status_code, answer.json["code"], answer.headers["Allow"]) == (405, "method_not_allowed", "POST")


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PROPFIND"])
def test_S3_other_methods_are_refused(client, method):
    assert client.open("/probe/things", method=method).status_code == 405


def test_a_cached_get_answers_304(client, db_clean):
    first = client.get("/probe/events")
    assert client.get("/probe/events", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_lists_page_newest_first_and_end(client, db_clean):
    with db.transaction() as session:
        ids = [outbox.emit(session, "probe.listed", str(number)) for number in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/probe/events?limit=2{cursor and '&cursor=' + cursor}").json
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(ids, reverse=True)


def test_a_route_that_does_not_say_its_caller_stops_the_start(monkeypatch):
    monkeypatch.setattr(app.factory, "ROOMS", ("tests.support.callerless_room",))
    with pytest.raises(RuntimeError, match="who may call"):
        app.factory.create_app()


@pytest.mark.parametrize("path", ["/readyz", "/metrics", "/docs/", "/openapi.json"])
def test_S3_operations_exist_only_on_the_internal_bind(client, path, db_clean):
    assert client.get(path).status_code == 404
    assert client.get(path, base_url=f"http://127.0.0.1:{get_settings().internal_port}").status_code == 200


def test_the_document_holds_the_routes(client):
    answer = client.get("/openapi.json", base_url=f"http://127.0.0.1:{get_settings().internal_port}")
    document = json.loads(answer.data)
    post = document["paths"]["/probe/things"]["post"]
    assert post["requestBody"]
    refusal = document["components"]["responses"]["UNPROCESSABLE_ENTITY"]["content"]
    assert list(refusal) == ["application/problem+json"]
    assert "code" in document["components"]["schemas"]["Problem"]["required"]


def test_readiness_names_the_store_that_is_down(client, monkeypatch):
    monkeypatch.setitem(__import__("handlers.health", fromlist=["CHECKS"]).CHECKS, "redis", lambda: False)
    answer = client.get("/readyz", base_url=f"http://127.0.0.1:{get_settings().internal_port}")
    assert answer.status_code == 503
    assert answer.json["checks"]["redis"] is False
    assert int(answer.headers["Retry-After"]) >= 1
