"""The factory: whose address a request has, with and without proxies in front."""

import pytest
from flask import request

from app.core import edge
from app.core.edge import Caller, Room
from app.factory import create_app
from config.settings import get_settings

SPOOFED = "203.0.113.7, 198.51.100.4"  # what a client claimed, then what the proxy beside us saw


@pytest.fixture
def seen_from(servers, monkeypatch):
    """The address the application sees behind so many trusted proxies."""

    def ask(proxies: int) -> str:
        monkeypatch.setenv("TB_TRUSTED_PROXIES", str(proxies))
        get_settings.cache_clear()
        flask_app = create_app()
        room = Room("whose", __name__, caller=Caller.PUBLIC)
        room.route("/whose")(lambda: f"{request.remote_addr} {request.host} {request.scheme}")
        edge.register(flask_app, room)
        headers = {"X-Forwarded-For": SPOOFED, "X-Forwarded-Host": "elsewhere.invalid", "X-Forwarded-Proto": "gopher"}
        return flask_app.test_client().get("/whose", headers=headers).text

    yield ask
    get_settings.cache_clear()


def test_without_a_trusted_proxy_the_peer_is_the_caller(seen_from):
    assert seen_from(0) == "127.0.0.1 localhost http"


def test_one_trusted_proxy_tells_the_caller_and_nothing_else(seen_from):
    assert seen_from(1) == "198.51.100.4 localhost http"


def test_a_header_shorter_than_the_chain_is_not_believed(seen_from):
    assert seen_from(3) == "127.0.0.1 localhost http"
