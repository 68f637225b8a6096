"""V2: a verification serves the account, app, purpose, matter and identity it was made for, and nothing else."""

import dataclasses

import pytest

from app.core import db
from app.platforms.base import AuthorityCheck, FaceAnswer, FaceState
from config.settings import Settings
from identity import sessions, verification
from tests.support.citizen_steps import APP, ELDER, LI, WANG

OTHER_APP = "wechat/wxfedcba9876543210"


def refusals(rows, verification_id):
    return rows(
        "SELECT actor FROM audit_entries WHERE act = 'verification.use' AND outcome = 'refused' AND object_id = :i",
        i=verification_id,
    )


def passed_for_act(phone, person=LI, service_id="sv_1"):
    caller = phone("openid-a").to_l2(person)
    verification_id = caller.start_face(purpose="act", service_id=service_id)
    caller.world.face_says(verification_id)
    caller.world.authority_says(verification_id)
    caller.finish(verification_id)
    assert caller.finish(verification_id).json["state"] == "passed"
    return caller, verification_id


def spend(who, verification_id, matter_id="sv_1"):
    with db.transaction() as session:
        return verification.spend(session, who, verification_id, matter_id=matter_id, act="sign")


def test_another_account_cannot_see_or_finish_it(phone, rows):
    owner, verification_id = passed_for_act(phone)
    other = phone("openid-b").to_l2(LI)
    for answer in (other.send("GET", f"/v1/me/verifications/{verification_id}"), other.finish(verification_id)):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert refusals(rows, verification_id) == [(other.account_id,)] * 2
    assert owner.send("GET", f"/v1/me/verifications/{verification_id}").json["state"] == "passed"


def test_another_app_of_the_same_openid_cannot_finish_it(phone, monkeypatch, rows):
    _, verification_id = passed_for_act(phone)
    monkeypatch.setattr(Settings, "knows_app", lambda _s, channel, app: f"{channel}/{app}" in (APP, OTHER_APP))
    other = phone("openid-a", app=OTHER_APP)
    assert other.finish(verification_id).status_code == 404
    assert refusals(rows, verification_id) == [(other.account_id,)]


CROSSED = {
    "account": {"account_id": "ac_other"},
    "app": {"app_id": "wxfedcba9876543210"},
    "channel": {"channel": "alipay"},
    "identity": {"citizen_id": None},
}


@pytest.mark.parametrize("field", [*CROSSED, "matter"])
def test_every_bound_field_crossed_is_refused_with_an_audit_row(phone, rows, field):
    owner, verification_id = passed_for_act(phone)
    who = sessions.principal_of(owner.token)
    if field == "identity":
        somebody = phone("openid-b").to_l2(WANG)
        crossed = dataclasses.replace(who, citizen_id=somebody.citizen_id)
    else:
        crossed = dataclasses.replace(who, **CROSSED.get(field, {}))
    assert not spend(crossed, verification_id, "sv_other" if field == "matter" else "sv_1")
    assert refusals(rows, verification_id) == [(crossed.account_id,)]
    assert spend(who, verification_id)


def test_a_successor_session_of_the_same_account_may_finish(phone):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    caller.world.face_says(verification_id)
    caller.world.authority_says(verification_id)
    caller.log_in()
    caller.finish(verification_id)
    assert caller.finish(verification_id).json["state"] == "consumed"
    assert caller.me()["level"] == "L3"


def test_an_account_that_became_somebody_else_meanwhile_gets_nothing(phone, world):
    caller = phone().to_l2(ELDER)
    verification_id = caller.start_face()
    assert caller.real_name(LI).status_code == 201
    world.face_says(verification_id)
    world.authority_says(verification_id)
    answer = caller.finish(verification_id).json
    assert (answer["state"], answer["reason"]) == ("failed", "identity_changed")
    assert caller.me()["level"] == "L2"
    assert world.calls["face_query"] == world.calls["face_compare"] == 0


def test_the_channels_answer_about_another_transaction_is_refused(phone, world):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id, FaceAnswer(FaceState.PASSED, provider_ref="provider-of-somebody"))
    answer = caller.finish(verification_id).json
    assert (answer["state"], answer["reason"]) == ("failed", "other_transaction")


def test_the_authoritys_answer_about_another_transaction_is_refused(phone, world):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    caller.finish(verification_id)
    ref = f"check-{verification_id}"
    world.checks[ref] = AuthorityCheck(ref, FaceState.PASSED, "", "provider-of-somebody")
    answer = caller.finish(verification_id).json
    assert (answer["state"], answer["reason"]) == ("failed", "other_transaction")
    assert caller.me()["level"] == "L2"
