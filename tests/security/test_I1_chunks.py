"""I1, X6: a body whose framing breaks while it is read is the caller's mistake on every route, never a 500."""

import pytest

from tests.support.citizen_steps import APP
from tests.support.gateway_fixtures import gateway_app, gateway_world
from tests.support.served import serving

__all__ = ["gateway_app", "gateway_world"]

BROKEN = (
    b"0;\r\n\r\n",
    b"-1\r\n\r\n",
    b"zz\r\n\r\n",
    b"5\r\nab",
    b"0x0\r\n\r\n",
    b"2\r\n{}XX0\r\n\r\n",
    b"ffffffffffffffff\r\n{}",
)
ROUTES = ("/v1/sessions", "/v1/me/consents", "/callbacks/province/events", "/v1/services/sv_1/call/x")


@pytest.fixture
def served(gateway_world, tmp_path):
    with serving(tmp_path) as made:
        yield made


def test_I1_broken_chunks_are_refused(served):
    for route in ROUTES:
        head = f"POST {route} HTTP/1.1\r\nHost: tb\r\nX-App: {APP}\r\nContent-Type: application/json\r\n"
        head += "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        for body in BROKEN:
            answer = served.say(head.encode() + body, half_close=True)
            assert answer[9:10] in {b"4", b""}, (route, body, answer[:300])
