"""C1: a thousand malformed callbacks made from one good one, none accepted, none an unexpected exception."""

import json
import random
from datetime import UTC, datetime

import pytest

from app.core.inbound import Forged, Inbound, Malformed
from app.platforms.province.callbacks import verify
from app.platforms.province.stand_in.signing import pcb_signature
from config.settings import get_settings

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PATH = "/callbacks/province/events"
BODY = json.dumps(
    {"eventId": "E1", "type": "case.state", "at": 1700000000000, "seq": 3, "caseNo": "C1", "data": {"to": "DONE"}}
).encode()
ROUNDS = 1200


def good():
    settings = get_settings()
    stamp = str(int(NOW.timestamp()))
    secret = settings.province_callback_secret.get_secret_value()
    headers = {
        "x-pcb-key": settings.province_callback_key_id,
        "x-pcb-timestamp": stamp,
        "x-pcb-nonce": "n-0001",
        "x-pcb-signature": pcb_signature(secret, stamp, "n-0001", "POST", PATH, BODY, "sha256"),
    }
    return {"headers": headers, "body": BODY, "path": PATH, "method": "POST", "query": ""}


def flip_body(parts, dice):
    raw = bytearray(parts["body"])
    raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
    parts["body"] = bytes(raw)


def cut_body(parts, dice):
    parts["body"] = parts["body"][: dice.randrange(len(parts["body"]))]


def grow_body(parts, dice):
    parts["body"] += dice.randbytes(dice.randrange(1, 40))


def drop_header(parts, dice):
    del parts["headers"][dice.choice(sorted(parts["headers"]))]


def retype_header(parts, dice):
    name = dice.choice(sorted(parts["headers"]))
    parts["headers"][name] = dice.choice(
        ["", " ", "0", "-1", "null", "签名", "A" * 5000, "\x00", "1e9", "\ud800", "٣" * 10]
    )


def touch_header(parts, dice):
    name = dice.choice(["x-pcb-signature", "x-pcb-nonce", "x-pcb-timestamp", "x-pcb-key"])
    value = parts["headers"][name]
    place = dice.randrange(len(value))
    parts["headers"][name] = value[:place] + ("0" if value[place] != "0" else "1") + value[place + 1 :]


def move(parts, dice):
    name = dice.choice(["path", "method", "query"])
    parts[name] = {"path": parts["path"] + dice.choice(["/", "x", "%2e"]), "method": "GET", "query": "a=1"}[name]


SPOIL = [flip_body, cut_body, grow_body, drop_header, retype_header, touch_header, move]


def arrive(parts):
    return verify(Inbound("province", "events", received_at=NOW, **parts))


def test_C1_the_callback_everything_else_is_made_from_is_good():
    assert arrive(good()).event_id == "E1"


@pytest.mark.parametrize("spoil", SPOIL, ids=lambda spoil: spoil.__name__)
def test_C1_spoilt_callbacks_are_refused(spoil):
    dice = random.Random(spoil.__name__)  # noqa: S311  the same corpus every run
    for _ in range(ROUNDS // len(SPOIL) + 1):
        parts = good()
        spoil(parts, dice)
        with pytest.raises((Forged, Malformed)):
            arrive(parts)
