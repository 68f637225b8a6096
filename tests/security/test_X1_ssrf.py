"""X1: no URL of the corpus opens a connection; a canary listens on every local address while each is tried."""

import json
import socket
from pathlib import Path

import pytest

from app.core import egress, http, wire
from app.core.errors import NotSent
from app.core.http import Call
from tests.support.hostile_names import ELSEWHERE, INWARD
from tests.support.outbound import admit
from tests.support.upstreams import Upstream

CORPUS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "security" / "urls.jsonl").read_text().splitlines()
]


class Canary:
    """Listeners on every local address, IPv4 and IPv6, on one port; anything that knocks is counted."""

    def __init__(self) -> None:
        self.upstream = Upstream(host="::")
        self.port = self.upstream.port

    @property
    def knocks(self) -> int:
        return self.upstream.connections


@pytest.fixture(scope="module")
def canary():
    made = Canary()
    yield made
    made.upstream.stop()


@pytest.fixture
def no_exceptions(monkeypatch, canary):
    """As production: no exception; and more generous than production: the canary's own port is allowed."""
    admit(monkeypatch)
    monkeypatch.setattr(egress, "PORTS", frozenset({443, canary.port}))

    def look_up(host, port):
        found = INWARD.get(host, ELSEWHERE)
        return [(socket.AF_INET6 if ":" in a else socket.AF_INET, 1, 6, "", (a, port)) for a in found]

    monkeypatch.setattr(egress, "look_up", look_up)


def test_the_corpus_is_large_and_varied():
    assert len(CORPUS) >= 500
    assert len({row["url"] for row in CORPUS}) == len(CORPUS)
    assert len({row["class"] for row in CORPUS}) >= 10


@pytest.mark.parametrize("kind", sorted({row["class"] for row in CORPUS}))
def test_no_url_of_the_corpus_connects(canary, no_exceptions, kind):
    before = canary.knocks
    for row in (row for row in CORPUS if row["class"] == kind):
        with pytest.raises(NotSent) as caught:
            http.send(Call("GET", row["url"].replace("{port}", str(canary.port))))
        assert caught.value.reason == row["refused"], row
    assert canary.knocks == before


def test_a_requests_session_is_held_to_the_same(canary, no_exceptions):
    before = canary.knocks
    session = http.session()
    for host in ("127.0.0.1", "[::1]", "localhost", "2130706433", "rebind.example"):
        with pytest.raises(NotSent):
            session.get(f"https://{host}:{canary.port}/")
    assert canary.knocks == before


def test_the_canary_hears_a_call_that_is_let_through(monkeypatch, canary):
    """The control: were the policy not there, the canary would know."""
    before = canary.knocks
    admit(monkeypatch, f"127.0.0.1:{canary.port}", f"[::1]:{canary.port}")
    http.send(Call("GET", f"http://127.0.0.1:{canary.port}/"))
    http.send(Call("GET", f"http://[::1]:{canary.port}/"))
    assert canary.knocks == before + 2


@pytest.mark.parametrize("port", [22, 80, 6379, 5432, 8800])
def test_an_exception_is_for_its_port_only(monkeypatch, canary, port):
    admit(monkeypatch, f"127.0.0.1:{canary.port}")
    with pytest.raises(NotSent):
        http.send(Call("GET", f"http://127.0.0.1:{port}/"))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.weixin.qq.com/cgi-bin/stable_token",
        "https://service.example/a?b=c%20d&e=/../f",
        "https://a.b-c.xn--fiqs8s/",
        "https://service.example:8443/x",
    ],
)
def test_ordinary_urls_pass(monkeypatch, url):
    admit(monkeypatch)
    target = egress.parse(url)
    assert f"https://{target.authority}{target.target}" == url


def test_a_call_that_passes_goes_to_the_address_that_was_checked(monkeypatch):
    admit(monkeypatch)
    monkeypatch.setattr(egress, "look_up", lambda _host, port: [(socket.AF_INET, 1, 6, "", ("8.8.8.8", port))])
    tried = []

    def refuse(found, _limits):
        tried.extend(found)
        raise NotSent("connect")

    monkeypatch.setattr(wire, "_first_open", refuse)
    with pytest.raises(NotSent, match="connect"):
        http.send(Call("GET", "https://service.example/"))
    assert tried == [(int(socket.AF_INET), ("8.8.8.8", 443))]
