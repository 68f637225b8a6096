"""O2: every way around the two-person rule, by the functions and by SQL as the application's own role."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from app.core import approvals, clock, db
from app.core.approvals import ApprovalRow
from app.core.errors import Problem
from tests.app.core.test_approvals import ACT, ASKER, anchor_file, approve, asked, done, refused, staff, state
from tests.support.tamper import owner, tamper

__all__ = ["anchor_file", "done"]

BOTH = ("operator", "approver")

BYPASSES = [
    # (who approves, who asked, problem)
    ("one's own act", staff("hu_a", *BOTH), staff("hu_a", *BOTH), "approval_needs_another_person"),
    ("a second account of one person", staff("hu_a", "approver", account="2"), ASKER, "approval_needs_another_person"),
    ("without the role", staff("hu_c", "operator"), ASKER, "forbidden"),
    ("with no role", staff("hu_c"), ASKER, "forbidden"),
    ("as auditor", staff("hu_c", "auditor", "administrator", "support"), ASKER, "forbidden"),
    ("an account without a human", staff("", "approver"), ASKER, "forbidden"),
    ("an editor of the content", staff("hu_e", "approver"), ASKER, "approval_needs_another_person"),
    ("an editor's second account", staff("hu_e", "approver", account="2"), ASKER, "approval_needs_another_person"),
]


@pytest.mark.parametrize(("who", "asker", "code"), [pytest.param(*row[1:], id=row[0]) for row in BYPASSES])
def test_the_wrong_person_is_refused(done, who, asker, code):
    approval = asked(who=asker, excluded=["hu_e"])
    refused(code, lambda: approve(approval, who))
    assert done == []
    assert state(approval) == "requested"


@pytest.mark.parametrize("who", [staff("hu_c", "approver"), staff("hu_c"), staff("", "operator")])
def test_the_wrong_person_cannot_ask(done, who):
    refused("forbidden", lambda: asked(who=who))


@pytest.mark.parametrize("digest", ["x", "0" * 64, "é", "A" * 64])
def test_another_hash_is_a_stale_tab(done, digest):
    approval = asked()
    refused("approval_changed", lambda: approve(approval, digest=digest))
    refused("approval_changed", lambda: approve(approval, digest=asked().payload_hash))
    assert done == []


def test_another_tenant_s_request_is_not_there(done):
    approval = asked()
    refused("not_found", lambda: approve(approval, staff("hu_b", "approver", tenant="org_1"), tenant="org_1"))
    refused("not_found", lambda: approve(replace(approval, id="ap_none")))
    assert done == []


@pytest.mark.parametrize("column", ["payload", "act", "payload_hash"])
def test_what_was_altered_behind_the_guards_is_not_executed(done, servers, column):
    """An editor with the owner's rights: the seal and the hash still say that this is not what was asked for."""
    approval, other = asked({"to": "ct_1"}), asked({"to": "ct_2"})
    approvals.register_act(
        "test.other", lambda *_: done.append(None), request_roles=["operator"], approve_roles=["approver"]
    )
    new = "'test.other'" if column == "act" else f"(SELECT {column} FROM approvals WHERE id = '{other.id}')"  # noqa: S608  made here
    tamper(servers, "approvals", f"UPDATE approvals SET {column} = {new} WHERE id = '{approval.id}'")  # noqa: S608  as above
    refused("approval_changed", lambda: approve(approval))
    assert done == []


def rejected(statement, tenant="*"):
    with pytest.raises(DBAPIError) as caught, db.transaction(tenant) as session:
        session.execute(statement)
    return str(caught.value.orig)


def now():
    return clock.now()


BY_HAND = {"approved_by": "st_x", "approved_human": "hu_x", "approved_at": now()}

EDITS = [
    ("payload", {"payload": "v1|x"}),
    ("hash", {"payload_hash": "0" * 64}),
    ("act", {"act": "test.other"}),
    ("requester", {"requested_by": "st_other"}),
    ("requesting human", {"requested_human": "hu_other"}),
    ("excluded", {"excluded_humans": []}),
    ("expiry", {"expires_at": now() + timedelta(days=9)}),
    ("creation", {"created_at": now() - timedelta(days=9)}),
    ("tenant", {"tenant_id": "org_1"}),
    ("id", {"id": "ap_other"}),
    ("state alone", {"state": "approved"}),
    ("straight to executed", {"state": "executed", "executed_at": now(), **BY_HAND}),
    ("approved by the requester", {"state": "approved", **BY_HAND, "approved_human": "hu_a"}),
    ("approved by nobody", {"state": "approved", **BY_HAND, "approved_human": ""}),
    ("approved by an editor", {"state": "approved", **BY_HAND, "approved_human": "hu_e"}),
    ("approver without approval", dict(BY_HAND)),
    ("unknown state", {"state": "waived"}),
    ("refused by nobody", {"state": "refused"}),
    ("payload beside an approval", {"state": "approved", "payload": "v1|x", **BY_HAND}),
]


@pytest.mark.parametrize("values", [pytest.param(values, id=name) for name, values in EDITS])
def test_the_database_refuses_what_the_code_would(done, values):
    approval = asked(excluded=["hu_e"])
    rejected(update(ApprovalRow).where(ApprovalRow.id == approval.id).values(**values))
    with db.transaction() as session:
        row = session.get(ApprovalRow, approval.id)
        assert (row.state, row.approved_human) == ("requested", None)


def test_the_database_lets_a_proper_approval_through(done):
    """The control: the same statement with another human passes."""
    approval = asked(excluded=["hu_e"])
    with db.transaction() as session:
        session.execute(update(ApprovalRow).where(ApprovalRow.id == approval.id).values(state="approved", **BY_HAND))
    message = rejected(update(ApprovalRow).where(ApprovalRow.id == approval.id).values(approved_human="hu_y"))
    assert "does not go" in message


@pytest.mark.parametrize(
    "values", [{"state": "requested"}, {"state": "approved"}, {"state": "refused", "refused_by": "st_1"}]
)
def test_a_final_state_does_not_move(done, values):
    approval = asked()
    approve(approval)
    rejected(update(ApprovalRow).where(ApprovalRow.id == approval.id).values(executed_at=None, **values))
    assert state(approval) == "executed"


def test_an_approval_is_never_deleted(done):
    asked()
    assert "never deleted" in rejected(delete(ApprovalRow))


BORN = [
    ("approved", {"state": "approved", **BY_HAND}),
    ("executed", {"state": "executed", "executed_at": now(), **BY_HAND}),
    ("for a week", {"expires_at": now() + timedelta(days=7)}),
    ("in the future", {"created_at": now() + timedelta(days=7), "expires_at": now() + timedelta(days=8)}),
    ("of nobody", {"requested_human": ""}),
]


@pytest.mark.parametrize("values", [pytest.param(values, id=name) for name, values in BORN])
def test_no_approval_is_born_otherwise_than_requested(done, values):
    row = {
        "id": "ap_1", "tenant_id": "province", "act": ACT, "payload": "x", "payload_hash": "x", "requested_by": "st_1",
        "requested_human": "hu_a", "excluded_humans": [], "created_at": now(), "expires_at": now() + timedelta(hours=1),
        "state": "requested",
    }  # fmt: skip
    rejected(insert(ApprovalRow).values(**(row | values)))


def test_the_database_s_clock_ends_it_too(done, servers, monkeypatch):
    approval = asked()
    tamper(
        servers, "approvals",
        "UPDATE approvals SET created_at = created_at - interval '2 days', expires_at = expires_at - interval '2 days'",
    )  # fmt: skip
    assert "expired" in rejected(update(ApprovalRow).values(state="approved", **BY_HAND))
    refused("approval_expired", lambda: approve(approval))
    assert approvals.expire_due() == 1
    assert state(approval) == "expired"
    refused("approval_closed", lambda: approve(approval))
    assert done == []


def test_the_owner_too_meets_the_guard(done, servers):
    asked()
    with owner(servers) as connection, pytest.raises(Exception, match="does not change"):
        connection.execute("UPDATE approvals SET payload_hash = 'x'")


def test_of_many_approvers_at_once_one_executes(done):
    approval = asked()
    codes = []

    def work(n):
        try:
            approve(approval, staff(f"hu_{n}x", "approver"))
            codes.append("ok")
        except Problem as problem:
            codes.append(problem.code)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["approval_closed"] * 7 + ["ok"]
    assert len(done) == 1


PEOPLE = [staff(human, *roles) for human in ("hu_a", "hu_b", "") for roles in (("operator",), ("approver",), BOTH, ())]
_steps = st.lists(
    st.tuples(st.sampled_from(["ask", "approve", "refuse", "wrong"]), st.sampled_from(PEOPLE)), max_size=12
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_steps)
def test_whatever_is_tried_every_executed_act_has_two_humans(done, steps):
    latest = None
    for step, who in steps:
        try:
            if step == "ask":
                latest = asked(who=who)
            elif latest is not None and step == "refuse":
                with db.transaction() as session:
                    approvals.refuse(session, latest.id, who)
            elif latest is not None:
                approve(latest, who, digest=None if step == "approve" else "0" * 64)
        except Problem:
            continue
    with db.transaction() as session:
        rows = session.scalars(select(ApprovalRow).where(ApprovalRow.state == "executed")).all()
        bad = session.execute(text("SELECT count(*) FROM approvals WHERE state = 'approved'")).scalar_one()
    assert bad == 0
    assert len({one.id for one in done}) == len(done) == len(rows)
    for row in rows:
        assert row.approved_human
        assert row.requested_human
        assert row.approved_human != row.requested_human
