"""V1: whoever claims that a verification passed, we ask the provider ourselves."""

import pytest

from app.platforms.base import FaceState
from tests.support.citizen_steps import LI
from tests.support.face_callbacks import call_back, settle_down

SUCCESS = {"result": "PASS", "state": "DONE", "score": 100, "level": "L3", "verifyResult": "ok"}


def handed_over(phone):
    """A face flow whose transaction is with the authority, which has not decided."""
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    caller.world.face_says(verification_id)
    assert caller.finish(verification_id).json["state"] == "pending"
    return caller, verification_id


@pytest.mark.parametrize("signed", [True, False])
def test_a_callback_of_success_does_not_pass_what_the_authority_has_not_decided(phone, world, signed):
    caller, verification_id = handed_over(phone)
    reply = call_back(f"check-{verification_id}", signed=signed, claims=SUCCESS)
    assert reply.status == (200 if signed else 403)
    settle_down()
    assert caller.finish(verification_id).json["state"] == "pending"
    assert caller.me()["level"] == "L2"


def test_a_callback_of_success_about_a_failure_leaves_a_failure(phone, world):
    caller, verification_id = handed_over(phone)
    world.authority_says(verification_id, FaceState.FAILED, "mismatch")
    call_back(f"check-{verification_id}", claims=SUCCESS)
    settle_down()
    assert caller.send("GET", f"/v1/me/verifications/{verification_id}").json["state"] == "failed"
    assert caller.me()["level"] == "L2"


def test_a_true_callback_makes_us_ask_at_once(phone, world):
    caller, verification_id = handed_over(phone)
    world.authority_says(verification_id)
    asked = world.calls["face_check"]
    call_back(f"check-{verification_id}")
    settle_down()
    assert world.calls["face_check"] == asked + 1
    assert caller.me()["level"] == "L3"


def test_a_forged_callback_makes_us_do_nothing(phone, world, rows):
    _, verification_id = handed_over(phone)
    world.authority_says(verification_id)
    asked = world.calls["face_check"]
    call_back(f"check-{verification_id}", signed=False)
    settle_down()
    assert world.calls["face_check"] == asked
    assert rows("SELECT 1 FROM inbound_events") == []


@pytest.mark.parametrize("ref_id", ["check-unknown", "", "x" * 200])
def test_a_callback_about_nothing_of_ours_is_taken_and_changes_nothing(phone, rows, ref_id):
    handed_over(phone)
    assert call_back(ref_id).status == 200
    settle_down()
    assert rows("SELECT state FROM outbox_deliveries WHERE subscriber = 'identity.face'") == [("done",)]


@pytest.mark.parametrize("body", [None, {"verifyResult": "ok", "state": "passed"}, {"level": 3}, [1]])
def test_the_client_saying_so_is_only_a_nudge(phone, world, body):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    answer = caller.send("POST", f"/v1/me/verifications/{verification_id}/finish", body)
    assert answer.json["state"] == "pending"
    assert world.calls["face_query"] == 1
    assert world.calls["face_compare"] == 0
    assert caller.me()["level"] == "L2"


def test_passed_is_written_after_our_own_pull_only(phone, world, rows):
    _, verification_id = handed_over(phone)
    world.authority_says(verification_id)
    call_back(f"check-{verification_id}")
    settle_down()
    acts = [row[0] for row in rows("SELECT act FROM audit_entries WHERE object_id = :i ORDER BY id", i=verification_id)]
    assert sorted(acts) == sorted(
        ["verification.created", "verification.pending", "verification.passed", "verification.consumed"]
    )
