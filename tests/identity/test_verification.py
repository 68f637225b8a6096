"""The state machine: only what the drawing allows, once, with one audit row."""

import itertools

import pytest

from app.core import db
from app.core.principal import Principal
from identity import sessions, verification
from identity.models import Verification
from tests.support.citizen_steps import LI

STATES = ("created", "pending", "passed", "failed", "expired", "consumed", "revoked")
ALLOWED = {
    ("created", "pending"), ("created", "failed"), ("created", "expired"),
    ("pending", "passed"), ("pending", "failed"), ("pending", "expired"),
    ("passed", "consumed"), ("passed", "expired"), ("passed", "revoked"),
    ("consumed", "revoked"),
}  # fmt: skip


@pytest.mark.parametrize(("was", "becomes"), sorted(set(itertools.product(STATES, STATES)) - ALLOWED))
def test_no_other_way_exists(was, becomes):
    with pytest.raises(ValueError, match="no way"):
        verification.move(None, "vf_x", was, becomes)


def test_the_allowed_ways_are_the_table():
    assert {(was, to) for was, tos in verification.MOVES.items() for to in tos} == ALLOWED


def test_a_move_from_where_the_row_is_not_changes_nothing(phone, rows):
    verification_id = phone().to_l2(LI).start_face()
    with db.transaction() as session:
        assert not verification.move(session, verification_id, "created", "failed")
        assert not verification.move(session, verification_id, "passed", "consumed")
    assert rows("SELECT state FROM verifications WHERE id = :i", i=verification_id) == [("pending",)]
    moves = rows("SELECT act FROM audit_entries WHERE object_id = :i ORDER BY id", i=verification_id)
    assert {row[0] for row in moves} == {"verification.created", "verification.pending"}
    assert len(moves) == 2


def passed_for(phone, service_id="sv_1"):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face(purpose="act", service_id=service_id)
    caller.world.face_says(verification_id)
    caller.world.authority_says(verification_id)
    caller.finish(verification_id)
    assert caller.finish(verification_id).json["state"] == "passed"
    return caller, verification_id


def spend(caller: Principal, verification_id, matter_id="sv_1", act="sign"):
    with db.transaction() as session:
        return verification.spend(session, caller, verification_id, matter_id=matter_id, act=act)


def test_a_pass_for_an_act_gives_no_level_and_serves_that_act_once(phone):
    caller, verification_id = passed_for(phone)
    assert caller.me()["level"] == "L2"
    who = sessions.principal_of(caller.token)
    assert spend(who, verification_id)
    assert not spend(who, verification_id)


def test_a_pass_for_a_level_cannot_be_spent_on_an_act(phone, rows):
    caller = phone().to_l3(LI)
    verification_id = rows("SELECT id FROM verifications WHERE method = 'face'")[0][0]
    assert not spend(sessions.principal_of(caller.token), verification_id)


def test_a_pass_lives_ten_minutes(phone, old):
    caller, verification_id = passed_for(phone)
    old("verifications", "expires_at", 601)
    assert not spend(sessions.principal_of(caller.token), verification_id)
    assert verification.expire_due() == 1
    assert caller.finish(verification_id).json["state"] == "expired"


def test_a_rolled_back_act_leaves_the_pass(phone):
    caller, verification_id = passed_for(phone)
    who = sessions.principal_of(caller.token)
    with pytest.raises(RuntimeError, match="failed"), db.transaction() as session:
        assert verification.spend(session, who, verification_id, matter_id="sv_1", act="sign")
        raise RuntimeError("the act failed")
    assert spend(who, verification_id)


def test_withdrawn_consent_revokes_a_pass_not_yet_used(phone):
    caller, verification_id = passed_for(phone)
    caller.send("DELETE", "/v1/me/consents/face")
    assert caller.finish(verification_id).json["state"] == "revoked"
    assert not spend(sessions.principal_of(caller.token), verification_id)


def test_an_attempt_is_bound_at_creation(phone):
    _, verification_id = passed_for(phone)
    with db.transaction() as session:
        row: Verification = verification.load(session, verification_id)
    assert (row.channel, row.purpose, row.matter_id, row.method) == ("wechat", "act", "sv_1", "face")
    assert row.identity_index.startswith("1:")
    assert row.consent_id.startswith("cn_")


def test_the_sweep_for_what_is_over_time_has_an_index(rows):
    """Every half minute, over every attempt ever made."""
    wheres = [row[0] for row in rows("SELECT indexdef FROM pg_indexes WHERE tablename = 'verifications'")]
    assert any("(expires_at) WHERE" in one and "'passed'" in one for one in wheres)
