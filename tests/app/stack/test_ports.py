"""Ports: taken ones are named with the variable to change, probes see only what truly answers."""

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from app.stack import ports
from app.stack.errors import StackError
from tests.support.surroundings import free_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind((ports.HOST, 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_taken_port_is_refused_with_the_variable_and_a_free_one_to_use(taken):
    with pytest.raises(StackError, match=rf"port {taken} is taken.*make demo HTTP_PORT=\d+") as refusal:
        ports.refuse_taken({"HTTP_PORT": taken, "SANDBOX_PORT": free_port()})
    suggested = int(str(refusal.value).rstrip(".").rpartition("=")[2])
    ports.refuse_taken({"HTTP_PORT": suggested})


def test_one_port_for_two_listeners_is_refused():
    port = free_port()
    with pytest.raises(StackError, match="HTTP_PORT and INTERNAL_PORT are both"):
        ports.refuse_taken({"HTTP_PORT": port, "INTERNAL_PORT": port})


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()

    def log_message(self, *_):
        return


def test_a_probe_wants_200_on_its_path():
    port = free_port()
    probe = ports.answers(port, "/readyz")
    assert not probe(1)
    with http.server.HTTPServer((ports.HOST, port), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert probe(1)
            assert not ports.answers(port, "/other")(1)
        finally:
            server.shutdown()
            thread.join()


def test_a_probe_does_not_wait_for_one_who_accepts_and_says_nothing(taken, monkeypatch):
    monkeypatch.setattr(ports, "ASK_WITHIN_S", 0.1)
    assert not ports.answers(taken, "/readyz")(1)
