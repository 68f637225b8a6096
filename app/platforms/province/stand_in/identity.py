"""Unified identity (province.md 3.2): two factors looked up, faces compared later, checks asked about."""

import secrets
from typing import Any, Final

from app.platforms.province.stand_in import events, people, wire
from app.platforms.province.stand_in.door import Route
from app.platforms.province.stand_in.people import Person
from app.platforms.province.stand_in.wire import Heard, Refusal
from app.platforms.province.stand_in.world import Check, World

HANG_S: Final = 60.0
THRESHOLD: Final = 80
SCORES: Final = {"PASS": 96, "FAIL": 41, "NO_PHOTO": 0}
LIVENESS_PROVIDERS: Final = frozenset({"wechat", "alipay"})


def two_factor(world: World, heard: Heard) -> dict[str, Any]:
    """A lookup: asking twice harms nobody, so it is not replayed by key and really looks each time."""
    name, number = heard.text("name", 64), heard.text("idNo", 18)
    heard.text("purpose"), heard.text("consentId")
    person = people.find(number, name)
    if person is not None and person.twist == "hang":
        world.released.wait(HANG_S)
        raise Refusal(50401)
    if person is not None and person.twist.isdecimal():
        raise Refusal(int(person.twist))
    answer: dict[str, Any] = {"result": _verdict(person, name), "refId": "tf" + secrets.token_hex(10)}
    if person is not None and answer["result"] == "MATCH":
        with world.bench.lock:
            world.subjects[person.subject_id] = person
        answer |= {"level": "L2", "subjectId": person.subject_id}
    return answer


def _verdict(person: Person | None, name: str) -> str:
    if person is None or person.twist == "deceased":
        return "NOT_FOUND"
    if person.name != name:
        return "MISMATCH"
    return "UNSURE" if person.twist == "unsure" else "MATCH"


def face_compare(world: World, heard: Heard) -> dict[str, Any]:
    """Takes a platform's finished face transaction as proof, answers PENDING, and calls back when it is decided."""
    name, number, liveness = heard.text("name", 64), heard.text("idNo", 18), heard.members("liveness")
    provider, biz_token = liveness.get("provider"), liveness.get("bizToken")
    if provider not in LIVENESS_PROVIDERS or not isinstance(biz_token, str) or not biz_token:
        raise wire.bad("liveness")
    if set(heard.body) & {"image", "photo", "faceImage"}:
        raise wire.bad("image")
    person = people.find(number, name)
    if person is None or person.name != name:
        raise Refusal(40401)
    # One live act proves one comparison: a proof shown again is somebody else's attempt to borrow it.
    if any(check.biz_token == biz_token for check in world.checks.values()):
        raise Refusal(40901)
    check = _begin(world, person, biz_token)
    return {"result": "PENDING", "refId": check.ref_id, "threshold": THRESHOLD}


def _begin(world: World, person: Person, biz_token: str) -> Check:
    by_hand = person.face == "HAND"
    ready_at = None if by_hand else world.bench.now() + world.script.face_delay_s
    check = Check("fc" + secrets.token_hex(10), person, biz_token, "" if by_hand else person.face, ready_at)
    world.checks[check.ref_id] = check
    if not by_hand:
        announce(world, check, copies=world.script.face_copies, stale=world.script.face_stale)
    return check


def decide(world: World, ref_id: str, result: str, *, copies: int, stale: bool) -> Check:
    """The face result by hand, final or not: a play page may change its mind to try our side's patience."""
    check = world.checks[ref_id]
    check.result, check.ready_at = result, world.bench.now()
    announce(world, check, copies=copies, stale=stale)
    return check


def announce(world: World, check: Check, *, copies: int, stale: bool) -> None:
    """Queue identity.face. `copies` repeats one event; `stale` sends an older event (lower seq, PENDING) after it."""
    wait_s = max(0.0, (check.ready_at or 0.0) - world.bench.now())
    early = check.seq + 1
    check.seq += 2 if stale else 1
    event = events.face(world, check.ref_id, _members(check, check.result), check.seq)
    for _ in range(copies):
        events.send(world, event, after_s=wait_s)
    if stale:
        old = events.face(world, check.ref_id, _members(check, "PENDING"), early)
        events.send(world, old, after_s=wait_s + 0.05)


def _members(check: Check, result: str) -> dict[str, Any]:
    return {"refId": check.ref_id, "bizToken": check.biz_token, "result": result, "score": SCORES.get(result, 0)}


def check_state(world: World, _heard: Heard, ref_id: str) -> dict[str, Any]:
    """What our side must believe; the callback is only a hint to ask here."""
    check = world.checks.get(ref_id)
    if check is None:
        raise Refusal(40401)
    if not check.done(world.bench.now()):
        return {"kind": "face", "state": "PENDING", "bizToken": check.biz_token}
    answer = {"kind": "face", "state": "DONE", **_members(check, check.result), "threshold": THRESHOLD}
    if check.result == "PASS":
        answer |= {"level": "L3", "credentialId": "cr" + check.ref_id[2:]}
    return answer


ROUTES: Final = (
    Route("POST", "/identity/two-factor", "identity.two-factor", two_factor),
    Route("POST", "/identity/face-compare", "identity.face-compare", face_compare, once=True),
    Route("GET", "/identity/checks/<ref_id>", "identity.check", check_state),
)
