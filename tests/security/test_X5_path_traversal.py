"""X5: whatever the target's spelling, the service sees a target inside its registered prefix, or nothing.

The corpus (tests/data/security/paths.jsonl) is sent as raw bytes to a real gunicorn, which is what a citizen can do.
"""

import json
from pathlib import Path

import pytest

from tests.support import gateway
from tests.support.citizen_steps import APP
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, trust, upstream
from tests.support.reach import assert_nothing_slipped_through
from tests.support.served import serving
from tests.support.upstream import received

__all__ = ["citizen", "gateway_app", "gateway_world", "trust", "upstream"]

CORPUS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/security/paths.jsonl").read_text("utf-8").splitlines()
]
DEEP = [
    {"method": "GET", "path": f"/{'/'.join(f'{{p{at}}}' for at in range(depth))}", "write": False}
    for depth in (1, 2, 3, 4, 5, 6)
]


@pytest.fixture
def everything(upstream) -> str:
    """A service that offers every path up to six segments: only the road stands between the corpus and the upstream."""
    return gateway.publish(gateway.plain_manifest(upstream.url()[:-1], operations=DEEP))


def lines(target: str, token: str) -> bytes:
    head = f"GET {target} HTTP/1.1\r\nHost: tb\r\nX-App: {APP}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    return head.encode("utf-8", "surrogateescape")


def test_X5_the_corpus_is_large_enough():
    assert len(CORPUS) >= 200


def test_X5_no_spelling_leaves_the_registered_prefix(citizen, upstream, everything, tmp_path):
    phones = [citizen(f"openid-{n}") for n in range(12)]  # each session has its own allowance
    with serving(tmp_path, upstream.authority) as served:
        for at, case in enumerate(CORPUS):
            before = len(upstream.requests)
            answer = served.say(lines(f"/v1/services/{everything}/call{case['path']}", phones[at % 12].token))
            status = answer[9:12]
            assert status[:1] in {b"2", b"4", b""}, (case, answer[:200])
            if case.get("refused"):
                assert status != b"200", case
                assert len(upstream.requests) == before, case
    assert upstream.requests
    for seen in received(upstream):
        assert_nothing_slipped_through(seen)


def test_X5_an_absolute_or_foreign_target_is_no_call(citizen, upstream, everything, tmp_path):
    phone = citizen()
    path = f"/v1/services/{everything}/call/a"
    with serving(tmp_path, upstream.authority) as served:
        for target in (
            f"http://{upstream.authority}{path}", f"https://elsewhere.example{path}", f"//{upstream.authority}{path}",
            f"/v1/%73ervices/{everything}/call/a", f"/v1/services/{everything}%2fcall/a", f"/x/..{path}",
            f"/v1/services/../services/{everything}/call/a", f"/v1/services/{everything}/call", f"{path}#x",
            f"/v1/services/{everything}/../{everything}/call/a", "*", f"/V1/services/{everything}/call/a",
        ):  # fmt: skip
            answer = served.say(lines(target, phone.token))
            assert not answer.startswith(b"HTTP/1.1 2"), (target, answer[:200])
            assert not answer.startswith(b"HTTP/1.1 5"), (target, answer[:200])
    assert upstream.requests == []
