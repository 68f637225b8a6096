"""S3: what can be reached is what the document says; the inside is not on the public listener, whatever is asked.

That document and route table are the same, and that TRACE and OPTIONS are off: tests/truths/test_routes.py.
"""

import json

import pytest

from tests.support.served import Served, serving
from tests.support.whole_town import whole_app

__all__ = ["whole_app"]

INSIDE = ("/readyz", "/metrics", "/openapi.json", "/docs/", "/docs/start.js", "/docs/swagger-ui.css")
NOWHERE = (
    "/", "/console/", "/admin", "/.env", "/.git/config", "/static/x", "/debug", "/console", "/wsgi.py", "/server-status",
    "/actuator", "/swagger", "/api-docs", "/openapi.yaml", "/sim/v1/journal", "/sandbox", "/phone", "/wechat", "/flower",
    "/v1", "/v1/", "/ops/v1", "/open/v1/ping",
)  # fmt: skip
SPELLINGS = ("{}", "{}?x=1", "/{}", "{}/", "/.{}", "/x/..{}", "/%2e{}", "{}%00", "{}%2f", "{};x", "{}#x")


@pytest.fixture(scope="module")
def served(servers, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("var")) as made:
        yield made


def raw(served: Served, path: str, *headers: str, method: str = "GET") -> bytes:
    named = [] if any(line.startswith("Host:") for line in headers) else ["Host: tb"]
    lines = [f"{method} {path} HTTP/1.1", *named, "Connection: close", *headers, "", ""]
    return served.say("\r\n".join(lines).encode())


def status(answer: bytes) -> int:
    return int(answer[9:12])


def test_S3_the_inside_is_not_on_the_public_listener(served):
    for path in INSIDE:
        for spelling in SPELLINGS:
            answer = raw(served, spelling.format(path))
            assert status(answer) in (400, 404), (spelling, path, answer[:200])
            assert b"openapi" not in answer.partition(b"\r\n\r\n")[2], path


def test_S3_no_header_makes_the_public_listener_the_inner_one(served):
    port = served.internal_port
    for line in (
        f"Host: 127.0.0.1:{port}",
        f"X-Forwarded-Port: {port}",
        f"Server-Port: {port}",
        f"SERVER_PORT: {port}",
    ):
        assert status(raw(served, "/metrics", line)) in (400, 404), line


def test_S3_nothing_else_is_there(served):
    for path in NOWHERE:
        answer = raw(served, path)
        assert status(answer) == 404, (path, answer[:200])
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "not_found"


def test_S3_every_405_says_what_is_allowed(served, whole_app):
    for path in ("/v1/me", "/v1/sessions", "/v1/items", "/healthz"):
        for method in ("TRACE", "OPTIONS", "PUT", "PROPFIND", "TRACK", "DEBUG"):
            answer = raw(served, path, method=method)
            assert status(answer) == 405, (method, path, answer[:200])
            assert b"\r\nAllow: " in answer, (method, path)


def test_S3_the_document_is_valid_for_its_own_version(whole_app):
    document = whole_app.extensions["tongban_api"].spec.to_dict()
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    assert "\\\\Z" not in text, "JSON Schema's patterns are ECMA 262"
    assert "\\\\A" not in text
    dangling = {ref for ref in refs(document) if not resolves(document, ref)}
    assert dangling == set()


def refs(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from refs(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from refs(inner)


def resolves(document, ref: str) -> bool:
    node = document
    for part in ref.removeprefix("#/").split("/"):
        node = node.get(part) if isinstance(node, dict) else None
    return node is not None
