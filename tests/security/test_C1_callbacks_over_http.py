"""C1: forged and malformed callbacks at the real door: none accepted, none a 500, nothing of them stored."""

import random
from dataclasses import replace

import pytest

from tests.support import calling_back
from tests.support.citizen_fixtures import PROGRESS

ROUNDS = 300


@pytest.fixture
def client(citizen_app, town):
    return citizen_app.test_client()


def _flipped(call, dice):
    # WeChat signs the Encrypt member alone; what stands before it is unsigned and not read.
    raw, first = bytearray(call.body), max(0, call.body.find(b"Encrypt"))
    raw[dice.randrange(first, len(raw))] ^= 1 << dice.randrange(8)
    return replace(call, body=bytes(raw))


def _cut(call, dice):
    return replace(call, body=call.body[: dice.randrange(len(call.body))])


def _grown(call, dice):
    return replace(call, body=call.body + dice.randbytes(dice.randrange(1, 40)))


def _without_a_header(call, dice):
    names = sorted(name for name in call.headers if name != "Content-Type") or ["Content-Type"]
    gone = dice.choice(names)
    if gone == "Content-Type":
        return replace(call, query="")
    return replace(call, headers={name: value for name, value in call.headers.items() if name != gone})


def _other_signature(call, dice):
    word = dice.choice(["", "0" * 64, "0" * 40, "A" * 5000, "\u7b7e\u540d".encode().decode("latin-1"), "null"])
    if "X-PCB-Signature" in call.headers:
        return replace(call, headers=call.headers | {"X-PCB-Signature": word})
    return replace(call, query=call.query.partition("&msg_signature=")[0] + f"&msg_signature={word[:500]}")


def _twice(call, dice):
    if not call.query:
        return replace(call, body=call.body + call.body)
    return replace(call, query=f"{call.query}&{dice.choice(call.query.split('&'))}")


def _junk(call, dice):
    return replace(call, body=dice.choice([b"", b"{}", b"[]", b"null", b"<xml/>", b"\x00", b"[" * 20_000, b"\xff\xfe"]))


SPOILERS = (_flipped, _cut, _grown, _without_a_header, _other_signature, _twice, _junk)


@pytest.mark.parametrize("make", [
    lambda: calling_back.province("N1"), lambda: calling_back.popup("openid-a", PROGRESS),
    lambda: calling_back.receipt("openid-a", PROGRESS, "1864323726461255680"),
])  # fmt: skip
def test_C1_no_spoiled_callback_is_accepted_and_none_breaks_anything(client, rows, monkeypatch, make):
    monkeypatch.setattr("app.core.limits.take", lambda *_: None)
    dice = random.Random(20260615)  # noqa: S311  a repeatable corpus
    for number in range(ROUNDS):
        spoiled = SPOILERS[number % len(SPOILERS)](make(), dice)
        answer = spoiled.send(client)
        assert answer.status_code in {400, 403}, (number, answer.status_code)
    assert rows("SELECT count(*) FROM inbound_events")[0][0] == 0
    assert make().send(client).status_code == 200, "the unspoiled one must pass, or this test proves nothing"


def test_C1_every_refusal_reads_the_same(client):
    bodies = {
        (answer.status_code, answer.data)
        for answer in (
            calling_back.province("N1", secret="another").send(client),
            calling_back.province("N1", at_s=1700000000).send(client),
            replace(calling_back.province("N1"), headers={}).send(client),
        )
    }
    assert bodies == {(403, b"refused")}


def test_C1_plain_mode_is_refused(client):
    genuine = calling_back.popup("openid-a", PROGRESS)
    plain = replace(genuine, query=genuine.query.replace("encrypt_type=aes", "encrypt_type=raw"))
    assert plain.send(client).status_code == 403
