"""Callbacks to our public address (province.md 3.6): one event each, every attempt signed anew under the same eventId.

The emitter of the sandbox drops, doubles, delays and forges as scripted; the schedule and the dead letter are ours.
"""

import json
import secrets
from typing import Any, Final
from urllib.parse import urlsplit

from app.platforms.bench import Delivery, Push
from app.platforms.province.stand_in import signing
from app.platforms.province.stand_in.world import Case, Sent, World

PATH: Final = "/callbacks/province/events"
RETRY_AFTER_S: Final = (5.0, 30.0, 120.0, 600.0, 3600.0, 21600.0)
OK: Final = 200


def face(world: World, ref_id: str, data: dict[str, Any], seq: int) -> Sent:
    return _event(world, "identity.face", ref_id, {"seq": seq, "data": data})


def case_state(world: World, case: Case) -> Sent:
    move = case.track[-1]
    data = {"from": move.before, "to": move.after, "result": case.result}
    return _event(world, "case.state", case.case_no, {"seq": move.seq, "caseNo": case.case_no, "data": data})


def _event(world: World, kind: str, about: str, members: dict[str, Any]) -> Sent:
    now_s = world.bench.now()
    event_id = "E" + secrets.token_hex(12)
    body = json.dumps(
        {"eventId": event_id, "type": kind, "at": int(now_s * 1000), **members},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    sent = Sent(event_id, f"push/province/{kind}", about, body.encode(), now_s)
    world.sent[event_id] = sent
    return sent


def send(world: World, sent: Sent, after_s: float = 0.0) -> None:
    """Queue one delivery with its whole schedule. Calling it again for the same event is a platform's repeat."""
    sent.attempts = 0

    def build(forged: bool) -> Push:
        sent.attempts += 1
        sent.state = "RETRYING" if sent.attempts <= len(RETRY_AFTER_S) else "DEAD"
        return _push(world, sent.body, forged=forged)

    def accepted(status: int, body: bytes) -> bool:
        taken = status == OK and _acknowledged(body)
        if taken:
            sent.state = "DELIVERED"
        return taken

    world.bench.push(Delivery(sent.label, build, accepted, RETRY_AFTER_S, after_s=after_s))


def _push(world: World, body: bytes, *, forged: bool) -> Push:
    settings = world.bench.settings
    url = settings.public_base_url.rstrip("/") + PATH
    secret = "not the secret" if forged else settings.province_callback_secret.get_secret_value()
    stamp, nonce = str(int(world.bench.now())), secrets.token_hex(12)
    signature = signing.pcb_signature(secret, stamp, nonce, "POST", urlsplit(url).path, body, world.script.digest)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-PCB-Key": settings.province_callback_key_id,
        "X-PCB-Timestamp": stamp,
        "X-PCB-Nonce": nonce,
        "X-PCB-Signature": signature,
    }
    return Push(url, headers, body)


def _acknowledged(body: bytes) -> bool:
    """The contract's acknowledgement is HTTP 200 and `{"code":0}`; anything else is tried again."""
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("code") == 0 and answer.get("code") is not False
