"""The channel's face flow and the authority's comparison together give L3, by our own asking alone."""

import pytest

from app.core import db
from app.core.errors import NotSent, OutcomeUnknown, PlatformBusy, PlatformGarbled, PlatformRefused
from app.platforms.base import AuthorityCheck, FaceAnswer, FaceState
from identity import face_checks, tasks, verification
from tests.support.citizen_steps import LI

DOWN = [NotSent("refused"), OutcomeUnknown("timeout"), PlatformBusy("p", "o"), PlatformGarbled("p", "o")]


def state_of(caller, verification_id):
    answer = caller.send("GET", f"/v1/me/verifications/{verification_id}")
    assert answer.status_code == 200
    return answer.json["state"]


def due(rows_moved):
    rows_moved("verification_polls", "next_at", 3600)
    tasks.ask_about_faces()


def test_the_whole_way_to_l3(phone, world, rows):
    caller = phone().to_l2(LI)
    caller.consent("face")
    started = caller.prove({"method": "face"})
    assert started.status_code == 201
    body = started.json
    verification_id = body["verification_id"]
    assert body["client"] == {"verifyId": f"provider-{verification_id}"}
    assert (body["state"], body["level"]) == ("pending", "L2")
    assert body["next"] == {"method": "POST", "href": f"/v1/me/verifications/{verification_id}/finish"}

    assert caller.finish(verification_id).json["state"] == "pending"  # the client's word alone is nothing
    world.face_says(verification_id)
    assert caller.finish(verification_id).json["state"] == "pending"  # the authority is still looking
    assert world.compared == [("wechat", f"provider-{verification_id}", verification_id)]
    world.authority_says(verification_id)
    done = caller.finish(verification_id).json
    assert (done["state"], done["level"], done["next"]) == ("consumed", "L3", None)
    assert "client" not in done
    me = caller.me()
    assert (me["level"], [proof["method"] for proof in me["proofs"]]) == ("L3", ["face", "real_name"])
    assert rows("SELECT count(*) FROM evidence WHERE level = 3") == [(1,)]
    assert rows("SELECT holder FROM citizens WHERE id = :id", id=me["citizen_id"]) == [(True,)]


def test_the_clock_asks_when_the_client_never_comes_back(phone, world, old):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    tasks.ask_about_faces()
    assert world.calls["face_query"] == 0  # not due yet
    world.face_says(verification_id)
    world.authority_says(verification_id)
    due(old)
    due(old)
    assert state_of(caller, verification_id) == "consumed"


@pytest.mark.parametrize("can_retry", [True, False])
def test_a_failed_flow_says_why_and_whether_to_try_again(phone, world, can_retry):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id, FaceAnswer(FaceState.FAILED, "poor_photo", can_retry))
    answer = caller.finish(verification_id).json
    assert (answer["state"], answer["reason"], answer["can_retry"]) == ("failed", "poor_photo", can_retry)
    assert caller.me()["level"] == "L2"
    assert world.calls["face_compare"] == 0


def test_the_authority_may_say_no_after_the_channel_said_yes(phone, world):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    caller.finish(verification_id)
    world.authority_says(verification_id, FaceState.FAILED, "no_photo")
    answer = caller.finish(verification_id).json
    assert (answer["state"], answer["reason"], answer["can_retry"]) == ("failed", "no_photo", True)
    assert caller.me()["level"] == "L2"


def test_a_flow_the_channel_ended_is_expired(phone, world):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id, FaceAnswer(FaceState.EXPIRED))
    assert caller.finish(verification_id).json["state"] == "expired"


def test_face_needs_l2_first(phone, world):
    caller = phone()
    caller.consent("face")
    answer = caller.prove({"method": "face"})
    assert (answer.status_code, answer.json["code"]) == (403, "assurance_too_low")
    assert answer.json["need"] == {"level": "L2"}
    assert answer.json["have"] == "L1"
    assert answer.json["methods"][0]["method"] == "real_name"
    assert world.calls["face_start"] == 0


@pytest.mark.parametrize("trouble", DOWN)
def test_a_channel_that_cannot_start_is_an_outage(phone, world, trouble):
    caller = phone().to_l2(LI)
    caller.consent("face")
    world.trouble["face_start"] = trouble
    answer = caller.prove({"method": "face"})
    assert (answer.status_code, answer.json["code"]) == (503, "verification_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    world.trouble.clear()
    assert caller.prove({"method": "face"}).status_code == 201


@pytest.mark.parametrize("operation", ["face_query", "face_compare", "face_check"])
@pytest.mark.parametrize("trouble", DOWN)
def test_an_outage_on_the_way_changes_nothing_and_is_asked_again(phone, world, old, operation, trouble):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    world.authority_says(verification_id)
    world.trouble[operation] = trouble
    for _ in range(3):
        assert caller.finish(verification_id).json["state"] == "pending"
    assert caller.me()["level"] == "L2"
    world.trouble.clear()
    due(old)
    due(old)
    assert state_of(caller, verification_id) == "consumed"
    assert len({key for _, _, key in world.compared}) == 1


@pytest.mark.parametrize("operation", ["face_query", "face_compare", "face_check"])
def test_a_definite_no_ends_the_attempt_and_a_new_one_may_begin(phone, world, operation):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    world.trouble[operation] = PlatformRefused("province", operation, "40901")
    caller.finish(verification_id)
    answer = caller.finish(verification_id).json
    assert (answer["state"], answer["reason"], answer["can_retry"]) == ("failed", "refused", True)
    world.trouble.clear()
    assert caller.prove({"method": "face"}).status_code == 201


def test_what_nobody_finishes_expires(phone, old):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    old("verifications", "expires_at", 3700)
    tasks.expire_verifications()
    assert state_of(caller, verification_id) == "expired"
    assert caller.finish(verification_id).json["state"] == "expired"


def test_a_worker_that_died_holding_the_lease_is_followed_by_another(phone, world, old):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)

    class Killed(BaseException):
        pass

    world.trouble["face_compare"] = Killed()
    with pytest.raises(Killed):
        caller.finish(verification_id)
    world.trouble.clear()
    world.authority_says(verification_id)
    assert caller.finish(verification_id).json["state"] == "pending"  # the dead worker's lease still stands
    old("verification_polls", "lease_until", 120)
    due(old)
    due(old)
    assert state_of(caller, verification_id) == "consumed"
    assert len(set(world.compared)) == 1


def test_an_overtaken_worker_drops_what_it_found(phone, world, old, rows):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    caller.finish(verification_id)
    world.authority_says(verification_id)

    def overtake():
        old("verification_polls", "lease_until", 120)
        world.during.clear()
        world.authority_says(verification_id, FaceState.FAILED, "mismatch")
        face_checks.advance_due()

    world.during["face_check"] = overtake
    caller.finish(verification_id)
    assert state_of(caller, verification_id) == "failed"
    assert rows("SELECT count(*) FROM evidence WHERE level = 3") == [(0,)]


def test_a_worker_whose_lease_went_to_another_writes_nothing(phone, world, old):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    caller.finish(verification_id)
    world.authority_says(verification_id, FaceState.FAILED, "mismatch")

    def somebody_takes_over():
        old("verification_polls", "lease_until", 120)
        with db.transaction() as session:
            assert face_checks._claim(session, 1)

    world.during["face_check"] = somebody_takes_over
    assert caller.finish(verification_id).json["state"] == "pending"


def test_the_provider_is_told_who_and_the_use_is_written_down(phone, world):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    caller.finish(verification_id)
    used = caller.send("GET", "/v1/me/uses").json["items"]
    assert [(row["purpose"], row["recipient"]) for row in used if row["ref"] == verification_id] == [
        ("face", "province"), ("face", "wechat"),
    ]  # fmt: skip


def test_a_check_about_another_reference_proves_nothing(phone, world):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    caller.finish(verification_id)
    ref = f"check-{verification_id}"
    world.checks[ref] = AuthorityCheck("check-other", FaceState.PASSED, "", f"provider-{verification_id}")
    answer = caller.finish(verification_id).json
    assert (answer["state"], answer["reason"]) == ("failed", "other_transaction")


def test_transaction_ids_are_forgotten_after_a_month(phone, world, old, rows):
    phone().to_l3(LI)
    verification.forget_refs()
    assert rows("SELECT 1 FROM verifications WHERE provider_ref_sealed IS NOT NULL")
    old("verifications", "created_at", 31 * 24 * 3600)
    tasks.forget_identity()
    assert not rows("SELECT 1 FROM verifications WHERE provider_ref_sealed IS NOT NULL OR check_ref_index IS NOT NULL")


@pytest.mark.parametrize("odd", ["vf_x", "%00", "vf_" + "0" * 26, "a%2Fb"])
def test_an_unknown_verification_is_not_found(phone, odd):
    caller = phone()
    for answer in (caller.send("GET", f"/v1/me/verifications/{odd}"), caller.finish(odd)):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_an_attempt_that_cannot_be_asked_about_does_not_stop_the_next(phone, world, old, rows):
    broken, sound = phone().to_l2(LI), phone("openid-b").to_l2(LI)
    stuck, verification_id = broken.start_face(), sound.start_face()
    rows("UPDATE verifications SET provider_ref_sealed = 'v1|x' WHERE id = :id", id=stuck)
    world.face_says(verification_id)
    due(old)
    world.authority_says(verification_id)
    due(old)
    assert state_of(sound, verification_id) == "consumed"
    assert rows("SELECT state FROM verification_polls WHERE id = :id", id=stuck) == [("waiting",)]
    assert broken.finish(stuck).json["state"] == "pending"
