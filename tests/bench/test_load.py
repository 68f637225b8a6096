"""The load generator counts what it hears: right, wrong, lost."""

import asyncio

import pytest

from bench import load
from bench.load import Order, Result


def request(path, status=200, needle=""):
    return (f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n", status, needle)


class Server(asyncio.Protocol):
    """Repeats the path in pieces; `/404` is not there, `/gone` hangs up."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        path = data.split()[1]
        if path == b"/gone":
            self.transport.close()
            return
        status = b"404 Not Found" if path == b"/404" else b"200 OK"
        whole = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(path), path)
        for at in range(0, len(whole), 30):
            self.transport.write(whole[at : at + 30])


def carried_out(requests, **options) -> Result:
    async def both():
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            result = await load.carry_out(Order(port, requests, connections=4, seconds=20, **options))
            await asyncio.sleep(0.05)  # the server hears that its callers have left
            return result

    return asyncio.run(both())


def test_each_request_is_sent_once_and_its_own_answer_expected():
    result = carried_out([request(f"/{n}", needle=f"/{n}") for n in range(50)], once=True)
    assert (result.answers, result.statuses, result.wrong, result.dropped) == (50, {"200": 50}, 0, 0)


@pytest.mark.parametrize("wrong", [request("/404"), request("/a", needle="/b"), request("/a", status=403)])
def test_an_unexpected_answer_is_wrong(wrong):
    result = carried_out([request("/fine"), wrong], once=True)
    assert (result.answers, result.wrong) == (2, 1)
    assert result.first_wrong


def test_a_lost_answer_is_dropped_and_the_run_still_ends():
    result = carried_out([request("/a"), request("/gone"), request("/b")], once=True)
    assert (result.answers, result.dropped) == (2, 1)


@pytest.mark.parametrize(
    ("buffer", "need"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Le", 0),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na", 41),
        (b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length:10\r\nC: d\r\n\r\n", 60),
    ],
)
def test_the_end_of_an_answer_is_known_from_its_head(buffer, need):
    assert load.whole_length(buffer) == need


def test_an_answer_without_a_length_is_an_error():
    with pytest.raises(ValueError, match="Content-Length"):
        load.whole_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
