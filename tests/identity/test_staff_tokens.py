"""identity/staff_tokens.py: what a token proves and when it stops (security.md O5)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock, db
from app.core.errors import Problem
from identity import staff, staff_tokens
from identity.staff_models import StaffToken
from tests.support.staff import Person, person, refused

pytestmark = pytest.mark.usefixtures("db_clean")


def token_row(who: Person) -> StaffToken:
    with db.transaction(db.ALL_TENANTS) as session:
        return session.get_one(StaffToken, who.token_id)


def test_a_token_proves_who_and_what():
    who = person("approver")
    principal = who.principal()
    assert (principal.staff_id, principal.human_id, principal.roles) == (who.staff_id, who.human_id, {"approver"})
    assert principal.scopes == {"approvals:read", "approvals:write", "messages:read", "services:read"}


def test_a_token_has_a_fixed_prefix_and_256_bits_and_rests_as_a_hash():
    who = person("operator")
    assert staff_tokens.FORM.fullmatch(who.token)
    assert len(who.token) == len("tbp_") + 43
    row = token_row(who)
    assert row.token_hash == staff_tokens.hashed(who.token)
    assert who.token[4:] not in str(vars(row))


@pytest.mark.parametrize(
    "mangle",
    [
        str.upper,
        lambda t: t[:-1],
        lambda t: t + "A",
        lambda t: t[4:],
        lambda t: f" {t}",
        lambda t: t + "\n",
        lambda _: "",
        lambda _: "tbp_" + "Ａ" * 43,
    ],
)
def test_anything_but_the_token_proves_nothing(mangle):
    assert staff_tokens.principal_from(mangle(person("operator").token)) is None


def test_a_token_ends_at_its_time():
    who = person("operator")
    ends = token_row(who).expires_at
    with time_machine.travel(ends - timedelta(seconds=1), tick=False):
        assert staff_tokens.principal_from(who.token)
    with time_machine.travel(ends, tick=False):
        assert staff_tokens.principal_from(who.token) is None


def test_no_token_lives_longer_than_a_year_even_in_the_database():
    who = person("operator")
    late = token_row(who).created_at + timedelta(days=366)
    with pytest.raises(IntegrityError), db.transaction() as session:
        session.execute(update(StaffToken).values(expires_at=late))


def test_a_revoked_token_is_dead_at_once_and_revoked_once():
    who = person("operator")
    staff_tokens.revoke(who.token_id, actor="cli:root")
    assert staff_tokens.principal_from(who.token) is None
    with refused("not_found"):
        staff_tokens.revoke(who.token_id, actor="cli:root")


def test_two_tokens_live_side_by_side_so_that_one_can_replace_the_other():
    who = person("operator")
    second = staff.issue_token(who.staff_id, actor="cli:root")
    assert staff_tokens.principal_from(who.token)
    assert staff_tokens.principal_from(second.text)
    with refused("tokens_enough"):
        staff.issue_token(who.staff_id, actor="cli:root")
    staff_tokens.revoke(who.token_id, actor="cli:root")
    assert staff_tokens.principal_from(second.text)
    staff.issue_token(who.staff_id, actor="cli:root")


def test_ten_terminals_at_once_do_not_make_three_tokens():
    who = person("operator")

    def one_more(_: int) -> str:
        try:
            staff.issue_token(who.staff_id, actor="cli:root")
        except Problem as problem:
            return problem.code
        return "made"

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(one_more, range(10)))
    assert outcomes.count("made") == 1
    with db.transaction() as session:
        assert len(session.scalars(select(StaffToken)).all()) == 2


def test_a_narrow_token_proves_only_what_it_was_given():
    assert person("operator", scopes=["messages:read"]).principal().scopes == {"messages:read"}


def test_a_scope_its_role_has_lost_is_lost_to_old_tokens(monkeypatch):
    who = person("operator")
    monkeypatch.setitem(staff_tokens.SCOPES, "operator", ("messages:read",))
    assert who.principal().scopes == {"messages:read"}


def test_last_use_is_noted_at_most_once_a_minute():
    who = person("operator")
    assert token_row(who).last_used_at is None
    start = clock.now()
    seen = []
    for later_s in (0, 30, 59, 61):
        with time_machine.travel(start + timedelta(seconds=later_s), tick=False):
            who.principal()
        seen.append(round((token_row(who).last_used_at - start).total_seconds()))
    assert seen == [0, 0, 0, 61]
