"""The controls: what they do, and that neither a stranger nor a lured browser reaches them."""

import pytest

from app.sandbox.factory import create_sandbox
from config.settings import SettingsError, get_settings

REMOTE = {"REMOTE_ADDR": "192.0.2.7"}
LURED = [
    ("GET", "/sim/v1/journal", {"Host": "evil.example"}),
    ("POST", "/sim/v1/reset", {"Host": "evil.example", "Content-Type": "application/json"}),
    ("POST", "/phone/api/v1/sessions", {"Host": "evil.example:8802", "Content-Type": "application/json"}),
    ("GET", "/play/wechat/play.js", {"Host": "evil.example"}),
]


@pytest.fixture
def browser(sandbox):
    return sandbox.app.test_client()


@pytest.mark.parametrize(
    "path", ["/sim/v1/health", "/sim/v1/journal", "/sim/v1/wechat/users", "/phone/api/v1/services"]
)
def test_a_stranger_is_refused(browser, path):
    assert browser.get(path, environ_base=REMOTE).status_code == 403


@pytest.mark.parametrize(("method", "path", "headers"), LURED)
def test_a_rebound_name_is_refused(browser, method, path, headers):
    assert browser.open(path, method=method, headers=headers, data="{}").status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_foreign_form_can_send_is_refused(browser, kind):
    assert browser.post("/sim/v1/reset", data="{}", content_type=kind).status_code == 415


@pytest.mark.parametrize("host", ["127.0.0.1:8802", "localhost", "localhost:1", "[::1]:8802"])
def test_loopback_names_are_served(browser, host):
    assert browser.get("/sim/v1/health", headers={"Host": host}).status_code == 200


def test_the_clock_moves_and_resets(sandbox):
    before = sandbox.control("GET", "clock")["now_s"]
    assert sandbox.control("POST", "clock", advance_s=3600)["now_s"] >= before + 3600
    assert abs(sandbox.control("POST", "clock", set_s=1750000000)["now_s"] - 1750000000) < 60
    sandbox.control("POST", "reset")
    assert sandbox.control("GET", "clock")["now_s"] >= before


def test_faults_are_listed_until_they_fired(sandbox):
    sandbox.fault("delay", "/wechat/x", count=3)
    assert [(one["kind"], one["count"]) for one in sandbox.control("GET", "faults")["faults"]] == [("delay", 3)]
    sandbox.control("DELETE", "faults")
    assert sandbox.control("GET", "faults")["faults"] == []


@pytest.mark.parametrize(
    "body", [{}, {"kind": "explode", "path": "*"}, {"kind": "delay"}, {"kind": "delay", "path": "*", "x": 1}]
)
def test_a_fault_that_is_none_is_refused(browser, body):
    assert browser.post("/sim/v1/faults", json=body).status_code == 400


@pytest.mark.parametrize("raw", [b"[]", b"1", b"{", b"\xff"])
def test_a_control_body_is_an_object(browser, raw):
    assert browser.post("/sim/v1/clock", data=raw, content_type="application/json").status_code in {200, 400}


def test_the_journal_pages_by_seq(sandbox):
    for _ in range(3):
        sandbox.app.test_client().get("/wechat/cgi-bin/token")
    first = sandbox.control("GET", "journal?platform=wechat&limit=2")["entries"]
    rest = sandbox.control("GET", f"journal?platform=wechat&since={first[-1]['seq']}")["entries"]
    assert (len(first), len(rest)) == (2, 1)


def test_health_names_the_platforms(sandbox):
    assert sandbox.control("GET", "health")["platforms"] == ["wechat", "province"]


def test_production_refuses_the_sandbox():
    settings = get_settings().model_copy(update={"env": "production"})
    with pytest.raises(SettingsError, match="production"):
        create_sandbox(settings)
