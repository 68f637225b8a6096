"""Wire faults over a real socket: what the other side truly sees, and whether the request was executed."""

import http.client
import socket

import pytest

from tests.support.wait import until

PATH = "/wechat/cgi-bin/token"
TARGET = f"{PATH}?grant_type=client_credential"


def ask(sandbox):
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    try:
        connection.request("GET", TARGET)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def raw(sandbox):
    """Everything that arrives until the end, and how it ended."""
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as wire:
        wire.sendall(f"GET {TARGET} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        received = b""
        try:
            while chunk := wire.recv(65536):
                received += chunk
        except ConnectionResetError:
            return received, "reset"
        return received, "closed"


def executed(sandbox):
    return sandbox.count("/cgi-bin/token")


def test_without_a_fault_nothing_is_in_the_way(sandbox):
    assert ask(sandbox)[0] == 200
    assert executed(sandbox) == 1


def test_execute_then_reset_executes_and_resets(sandbox):
    sandbox.fault("execute-then-reset", PATH)
    assert raw(sandbox) == (b"", "reset")
    assert executed(sandbox) == 1


def test_a_hang_ends_without_executing(sandbox):
    sandbox.fault("hang", PATH, delay_s=0.01)
    assert raw(sandbox) == (b"", "reset")
    assert executed(sandbox) == 0


def test_execute_then_hang_executes(sandbox):
    sandbox.fault("execute-then-hang", PATH, delay_s=0.01)
    assert raw(sandbox) == (b"", "reset")
    assert executed(sandbox) == 1


def test_a_reset_of_the_sandbox_ends_every_hang(sandbox):
    sandbox.fault("hang", PATH, delay_s=3600)
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=30) as wire:
        wire.sendall(f"GET {TARGET} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        until(lambda: sandbox.journal("fault"), "the hang")
        sandbox.control("POST", "reset")
        with pytest.raises(ConnectionResetError):
            wire.recv(1)


def test_half_a_body_promises_the_whole(sandbox):
    sandbox.fault("half-body", PATH)
    received, end = raw(sandbox)
    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(
        next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")).split(b":")[1]
    )
    assert end == "reset"
    assert len(body) < promised
    assert executed(sandbox) == 1


def test_bad_json_is_no_json(sandbox):
    sandbox.fault("bad-json", PATH)
    status, body = ask(sandbox)
    assert status == 200
    assert body.endswith(b'{"tru')


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_does_not_execute(sandbox, status):
    sandbox.fault("5xx", PATH, status=status)
    assert ask(sandbox)[0] == status
    assert executed(sandbox) == 0


def test_a_delay_answers_in_the_end(sandbox):
    sandbox.fault("delay", PATH, delay_s=0.01)
    assert ask(sandbox)[0] == 200


def test_controls_and_pages_are_out_of_reach(sandbox):
    sandbox.fault("5xx", "*", count=100)
    assert sandbox.control("GET", "health")["ok"]
    sandbox.control("DELETE", "faults")
    assert ask(sandbox)[0] == 200


def test_the_journal_tells_which_fault_was_played(sandbox):
    sandbox.fault("bad-json", PATH)
    ask(sandbox)
    (entry,) = sandbox.journal("fault")
    assert (entry["check"], entry["facts"]) == ("bad-json", {"path": PATH})
