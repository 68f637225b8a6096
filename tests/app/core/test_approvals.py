"""The two-person rule as a room uses it. Every way around it is in tests/security/test_O2_two_people.py."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core import approvals, audit, clock, db
from app.core.audit import anchors
from app.core.audit.entries import AuditEntry
from app.core.errors import Problem
from app.core.principal import StaffPrincipal

ACT = "test.publish"


def staff(human, *roles, account="1", tenant=db.PROVINCE):
    return StaffPrincipal(f"st_{human}{account}", human, "og_1", tenant, frozenset(roles), frozenset())


ASKER = staff("hu_a", "operator")
APPROVER = staff("hu_b", "approver")
Done = list[approvals.Approval]


@pytest.fixture(autouse=True)
def anchor_file(db_clean, tmp_path, monkeypatch):
    monkeypatch.setattr(anchors, "file", lambda: tmp_path / "anchors.jsonl")


@pytest.fixture
def done(monkeypatch) -> Done:
    """What was executed. The act is taken off the register again."""
    executed: Done = []
    monkeypatch.setattr(approvals, "_acts", {})
    approvals.register_act(
        ACT, lambda _db, approval: executed.append(approval), request_roles=["operator"], approve_roles=["approver"]
    )
    return executed


def asked(payload=None, who=ASKER, **more):
    with db.transaction() as session:
        return approvals.request(session, ACT, payload or {"to": "ct_1", "文": "内容"}, who, **more)


def approve(approval, who=APPROVER, digest=None, tenant=db.PROVINCE):
    with db.transaction(tenant) as session:
        return approvals.approve(session, approval.id, who, digest or approval.payload_hash)


def state(approval):
    with db.transaction() as session:
        return approvals.get(session, approval.id).state


def refused(code: str, act: Callable[[], object]):
    with pytest.raises(Problem) as caught:
        act()
    assert caught.value.code == code
    return caught.value


def test_what_was_asked_is_done_once_by_another_s_approval(done):
    approval = asked()
    assert (approval.state, approval.payload) == ("requested", {"to": "ct_1", "文": "内容"})
    after = approve(approval)
    assert (after.state, after.approved_by) == ("executed", "st_hu_b1")
    assert [one.payload for one in done] == [{"to": "ct_1", "文": "内容"}]
    problem = refused("approval_closed", lambda: approve(approval))
    assert (problem.status, problem.detail) == (409, {"state": "executed"})
    assert len(done) == 1


def test_the_effect_and_the_approval_are_one_commit(done, monkeypatch):
    def fail(_db, _approval):
        raise LookupError

    monkeypatch.setattr(approvals, "_acts", {})
    approvals.register_act(ACT, fail, request_roles=["operator"], approve_roles=["approver"])
    approval = asked()
    with pytest.raises(LookupError):
        approve(approval)
    assert state(approval) == "requested"


def test_each_step_is_audited(done):
    approval = asked()
    approve(approval)
    with db.transaction() as session:
        rows = session.scalars(
            select(AuditEntry).where(AuditEntry.object_id == approval.id).order_by(AuditEntry.id)
        ).all()
    assert [(row.act, row.actor) for row in rows] == [
        ("approval.request", "st_hu_a1"),
        ("approval.approve", "st_hu_b1"),
    ]
    assert {row.detail["payload_hash"] for row in rows} == {approval.payload_hash}


def test_a_refused_request_stays_refused(done):
    approval = asked()
    with db.transaction() as session:
        assert approvals.refuse(session, approval.id, APPROVER).state == "refused"
    refused("approval_closed", lambda: approve(approval))
    assert done == []


def test_a_request_can_be_taken_back_by_its_author_and_by_no_other_operator(done):
    approval = asked()
    with db.transaction() as session:
        refused("forbidden", lambda: approvals.refuse(session, approval.id, staff("hu_c", "operator")))
    with db.transaction() as session:
        assert approvals.refuse(session, approval.id, ASKER).state == "refused"


def test_a_day_later_it_is_expired(done, monkeypatch):
    approval = asked()
    audit.seal_pending()
    audit.anchor()
    moment = clock.now() + timedelta(hours=24, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: moment)
    refused("approval_expired", lambda: approve(approval))
    assert approvals.expire_due() == 0  # the database's clock decides, and it has not moved
    assert done == []


def test_nothing_is_approved_while_the_audit_is_not_anchored(done, monkeypatch):
    approval = asked()
    audit.seal_pending()
    monkeypatch.setattr(anchors, "STOP_AFTER", timedelta(seconds=-1))
    refused("unavailable", lambda: approve(approval))
    assert done == []
    audit.anchor(force=True)
    approve(approval)
    assert len(done) == 1


def test_the_payload_rests_sealed_and_its_hash_is_salted(done):
    one, two = asked({"text": "canary"}), asked({"text": "canary"})
    assert one.payload_hash != two.payload_hash
    with db.transaction() as session:
        rows = (
            session.execute(select(func.concat(approvals.ApprovalRow.payload, approvals.ApprovalRow.payload_hash)))
            .scalars()
            .all()
        )
    assert not any("canary" in row for row in rows)
    assert "canary" not in repr(one)


def test_an_act_is_registered_once(done):
    with pytest.raises(ValueError, match="already registered"):
        approvals.register_act(ACT, lambda _db, _approval: None, request_roles=[], approve_roles=[])
    with pytest.raises(KeyError), db.transaction() as session:
        approvals.request(session, "test.unheard", {}, ASKER)
