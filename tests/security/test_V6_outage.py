"""V6: a provider that hangs, breaks or babbles passes nobody and costs nobody an attempt."""

import pytest

from app.core.errors import NotSent, OutcomeUnknown, PlatformBusy, PlatformGarbled, PlatformMisconfigured
from app.platforms.base import AuthorityCheck, FaceState, Match, RealNameAnswer
from tests.support.citizen_steps import LI

TROUBLES = {
    "hang": OutcomeUnknown("deadline"),
    "down": NotSent("refused"),
    "500": PlatformBusy("province", "x", "500"),
    "garbage": PlatformGarbled("province", "x"),
    "misconfigured": PlatformMisconfigured("province", "x", "40101"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_real_name_fails_closed_and_says_when_to_come_back(phone, world, rows, trouble):
    caller = phone()
    caller.consent("real_name")
    world.trouble["two_factor"] = TROUBLES[trouble]
    answer = caller.real_name(LI)
    assert (answer.status_code, answer.json["code"]) == (503, "verification_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["methods"][0]["method"] == "counter"
    assert caller.me()["level"] == "L1"
    assert rows("SELECT outcome FROM real_name_attempts") == [("void",)]


@pytest.mark.parametrize("operation", ["face_start", "face_query", "face_compare", "face_check"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_face_fails_closed_at_every_step(phone, world, rows, operation, trouble):
    caller = phone().to_l2(LI)
    caller.consent("face")
    world.trouble[operation] = TROUBLES[trouble]
    started = caller.prove({"method": "face"})
    if operation == "face_start":
        assert started.status_code == 503
        assert int(started.headers["Retry-After"]) > 0
    else:
        verification_id = started.json["verification_id"]
        world.face_says(verification_id)
        world.authority_says(verification_id)
        for _ in range(3):
            assert caller.finish(verification_id).json["state"] == "pending"
    assert caller.me()["level"] == "L2"
    assert rows("SELECT 1 FROM evidence WHERE level = 3") == []
    assert rows("SELECT 1 FROM audit_entries WHERE act = 'verification.passed'") == [(1,)]  # that of L2


@pytest.mark.parametrize("result", [Match.MISMATCH, Match.NOT_FOUND, Match.UNSURE])
def test_a_no_with_a_subject_id_is_still_a_no(phone, world, monkeypatch, result):
    caller = phone()
    caller.consent("real_name")
    monkeypatch.setattr(world, "two_factor", lambda *_: RealNameAnswer(result, "r", "subject-li"))
    assert caller.real_name(LI).json["code"] == "identity_not_matched"
    assert caller.me()["level"] == "L1"


def test_a_match_without_a_subject_is_no_match(phone, world, monkeypatch):
    caller = phone()
    caller.consent("real_name")
    monkeypatch.setattr(world, "two_factor", lambda *_: RealNameAnswer(Match.MATCH, "r", None))
    assert caller.real_name(LI).status_code == 422


def test_an_immediate_pass_of_the_compare_is_asked_after_all_the_same(phone, world, monkeypatch):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    world.authority_says(verification_id, FaceState.FAILED, "mismatch")
    at_once = AuthorityCheck(f"check-{verification_id}", FaceState.PASSED, "", f"provider-{verification_id}")
    monkeypatch.setattr(world, "face_compare", lambda *_: at_once)
    assert caller.finish(verification_id).json["state"] == "failed"
    assert caller.me()["level"] == "L2"
