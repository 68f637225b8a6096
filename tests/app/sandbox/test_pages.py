"""The pages hold nothing from elsewhere, and the relay goes to the public API and to nowhere else."""

import re
from pathlib import Path

import pytest

from app.sandbox.factory import create_sandbox
from config.settings import get_settings
from tests.support.upstreams import ok, running

STATIC = Path(__file__).parents[3] / "app" / "sandbox" / "static"
PAGES = ["/", "/phone", "/play/wechat", "/play/province"]


@pytest.fixture
def browser(sandbox):
    return sandbox.app.test_client()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_served_and_may_load_only_its_own(browser, path):
    page = browser.get(path)
    assert page.status_code == 200
    assert 'lang="zh-CN"' in page.text
    assert 'name="viewport"' in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", PAGES)
def test_everything_a_page_names_is_there(browser, path):
    for target in re.findall(r'(?:src|href)="([^"]+)"', browser.get(path).text):
        assert target.startswith("/")
        assert browser.get(target).status_code == 200


def test_no_page_names_another_host():
    for file in STATIC.rglob("*.*"):
        assert not re.search(r"https?://|//[a-z]+\.[a-z]", file.read_text("utf-8")), file


def test_no_script_writes_markup():
    for file in STATIC.rglob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", file.read_text("utf-8")
        ), file


@pytest.mark.parametrize("name", ["../world.py", "world.py", "play.py", "..%2fworld.py"])
def test_only_the_pages_parts_are_served(browser, name):
    assert browser.get(f"/play/wechat/{name}").status_code == 404


def relayed(method, path, *scripts, headers=None, json=None):
    """What the upstream received and what the browser got back."""
    with running(*scripts) as upstream:
        settings = get_settings().model_copy(update={"public_base_url": f"http://{upstream.authority}"})
        client = create_sandbox(settings, only=[]).test_client()
        answer = client.open(path, method=method, headers=headers, json=json)
        return upstream.requests, answer


def test_the_relay_hands_on_what_a_mini_program_sends():
    sent, answer = relayed(
        "POST",
        "/phone/api/v1/services/sv_1/call/a%20b?x=%2F",
        ok(b'{"a":1}', "Content-Type: application/json", 'ETag: "e"', "Set-Cookie: x=1", status="201 Created"),
        headers={
            "Authorization": "Bearer t",
            "X-App": "wechat/wx",
            "Idempotency-Key": "k",
            "Cookie": "c=1",
            "X-Evil": "1",
        },
        json={"n": 1},
    )
    head = sent[0].decode().lower()
    assert head.startswith("post /v1/services/sv_1/call/a%20b?x=%2f http/1.1")
    assert "authorization: bearer t" in head
    assert "idempotency-key: k" in head
    assert "cookie" not in head
    assert "x-evil" not in head
    assert sent[0].endswith(b'{"n": 1}')
    assert (answer.status_code, answer.json) == (201, {"a": 1})
    assert answer.headers["ETag"] == '"e"'
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/phone/api/console/", "/phone/api/", "/phone/api/http://127.0.0.1/", "/phone/api/ops/v1/me"]
)
def test_only_the_citizens_api_is_reached(path):
    sent, answer = relayed("GET", path)
    assert answer.status_code == 404
    assert sent == []


def test_a_service_that_is_down_is_said_kindly(sandbox):
    settings = get_settings().model_copy(update={"public_base_url": "http://127.0.0.1:1"})
    answer = create_sandbox(settings, only=[]).test_client().get("/phone/api/v1/services")
    assert answer.status_code == 502
    assert answer.json["code"] == "phone_offline"
