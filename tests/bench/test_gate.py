"""The gate's own judgement: a gate that lets everything through would prove nothing."""

import json
import time
from hashlib import sha256

import pytest

from bench import gate, upstream
from bench.gate import Answer, Failed
from bench.load import Result

WORLD = {
    "app": "wechat/wx0123456789abcdef", "service_id": "sv_x", "burst": 60, "per_s": 10.0,
    "people": {
        "many": [{"token": f"many{n}", "account": f"ac_{n}"} for n in range(7)],
        "low": [{"token": "low", "account": "ac_low"}],
    },
}  # fmt: skip
REFUSED = Answer(429, {"retry-after": "1"}, b"")


def burst(passed, stopped, seconds=1.0):
    return Result(seconds, passed + stopped, {"200": passed, "429": stopped}, stopped, "", 0, 1.0, 2.0)


@pytest.mark.parametrize("passed", [60, 70, 72])
def test_the_limit_may_let_in_what_flowed_meanwhile(passed):
    assert gate.judge_limit(WORLD, burst(passed, 150 - passed), REFUSED)["passed"] == passed


@pytest.mark.parametrize(("passed", "stopped"), [(150, 0), (73, 77), (59, 91), (60, 80)])
def test_a_limit_that_is_off_by_one_fails(passed, stopped):
    with pytest.raises(Failed):
        gate.judge_limit(WORLD, burst(passed, stopped), REFUSED)


@pytest.mark.parametrize("answer", [Answer(200, {}, b""), Answer(429, {}, b""), Answer(503, {"retry-after": "1"}, b"")])
def test_beyond_the_limit_only_429_with_retry_after_passes(answer):
    with pytest.raises(Failed):
        gate.judge_limit(WORLD, burst(60, 90), answer)


def test_each_mixed_call_expects_its_own_answer():
    made = gate.mixed_calls(WORLD, "/call", "gate-x", 40)
    assert len({request_id for _, request_id, _ in made}) == 40
    for (text, status, needle), request_id, account in made:
        assert f"X-Request-Id: {request_id}\r\n" in text
        if status == 200:
            assert f"/echo/{request_id}" in text
            assert needle.count(request_id) == 2
            assert account in {one["account"] for one in WORLD["people"]["many"]}
        else:
            assert (status, account, "Bearer low" in text) == (403, "", True)
    assert sum(status == 403 for (_, status, _), _, _ in made) == 40 // gate.LOW_EVERY


def signed(token="t", nonce="n", stamp=None):
    stamp = str(int(time.time()) if stamp is None else stamp)
    text = sha256(f"{stamp}{token}{nonce}{stamp}".encode()).hexdigest()
    return {"x-tif-timestamp": stamp, "x-tif-nonce": nonce, "x-tif-signature": text}


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        (signed(), "verified"),
        ({}, "missing"),
        (signed(token="another"), "signature"),
        (signed() | {"x-tif-nonce": "m"}, "signature"),
        (signed(stamp=1_750_000_000), "window"),
    ],
)
def test_the_upstream_checks_every_signature(headers, verdict):
    seen = upstream.Seen("t")
    assert seen.check(headers) is (verdict == "verified")
    assert seen.counts[verdict] == 1


def test_the_upstream_takes_a_nonce_once():
    seen = upstream.Seen("t")
    assert [seen.check(signed()), seen.check(signed())] == [True, False]
    assert seen.counts["replayed"] == 1


def test_answers_are_one_kilobyte_with_and_without_an_echo():
    plain, echo = upstream.envelope(), upstream.envelope(path="/echo/7", requestId="gate-7")
    assert len(plain) == len(echo) == upstream.SIZE
    assert json.loads(plain)["errcode"] == 0
    assert b'/echo/7","requestId":"gate-7"' in echo
