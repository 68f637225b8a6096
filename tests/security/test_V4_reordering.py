"""V4: callbacks late, early, repeated and contradicting each other end in what the authority truly says."""

import itertools

from app.platforms.base import FaceState
from tests.support.citizen_steps import LI
from tests.support.face_callbacks import call_back, settle_down

CLAIMS = ("PENDING", "PASS", "FAIL", "EXPIRED")
ORDERS = list(itertools.permutations(CLAIMS))
TRUTHS = {FaceState.PASSED: "consumed", FaceState.FAILED: "failed"}


def handed_over(phone, openid):
    caller = phone(openid).to_l2(LI)
    verification_id = caller.start_face()
    caller.world.face_says(verification_id)
    caller.finish(verification_id)
    return caller, verification_id


def deliver(order, verification_id, *, copies, decided_at, decide):
    """Every callback of the order `copies` times; the authority decides somewhere on the way."""
    for position, claim in enumerate(order):
        if position == decided_at:
            decide()
        for _ in range(copies):
            call_back(f"check-{verification_id}", event_id=f"{verification_id}-{claim}", claims={"result": claim})
        settle_down()


def test_every_order_and_number_of_callbacks_ends_in_the_truth(phone, world, rows):
    for number, (order, copies) in enumerate(itertools.product(ORDERS, (1, 2, 3))):
        truth = list(TRUTHS)[number % 2]
        caller, verification_id = handed_over(phone, f"openid-{number}")
        deliver(
            order, verification_id, copies=copies, decided_at=number % 4,
            decide=lambda v=verification_id, t=truth: world.authority_says(v, t),
        )  # fmt: skip
        state = caller.send("GET", f"/v1/me/verifications/{verification_id}").json["state"]
        assert state == TRUTHS[truth], (order, copies, truth)
        moves = rows("SELECT act FROM audit_entries WHERE object_id = :i", i=verification_id)
        assert len(moves) == len(set(moves)) == (4 if truth is FaceState.PASSED else 3)


def test_the_same_callback_fifty_times_is_applied_once(phone, world, rows):
    caller, verification_id = handed_over(phone, "openid-a")
    world.authority_says(verification_id)
    replies = [call_back(f"check-{verification_id}", event_id="E-same").status for _ in range(50)]
    settle_down()
    assert replies == [200] * 50
    assert rows("SELECT count(*) FROM outbox_deliveries WHERE subscriber = 'identity.face'") == [(1,)]
    assert caller.me()["level"] == "L3"


def test_a_late_failure_does_not_undo_a_pass(phone, world):
    caller, verification_id = handed_over(phone, "openid-a")
    world.authority_says(verification_id)
    call_back(f"check-{verification_id}")
    settle_down()
    world.authority_says(verification_id, FaceState.FAILED, "mismatch")
    call_back(f"check-{verification_id}", claims={"result": "FAIL"})
    settle_down()
    assert caller.finish(verification_id).json["state"] == "consumed"
    assert caller.me()["level"] == "L3"


def test_a_callback_before_we_knew_the_check_is_made_good_by_the_clock(phone, world, old):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    world.authority_says(verification_id)
    world.during["face_compare"] = lambda: call_back(f"check-{verification_id}")
    caller.finish(verification_id)
    settle_down()
    old("verification_polls", "next_at", 60)
    settle_down()
    assert caller.me()["level"] == "L3"
