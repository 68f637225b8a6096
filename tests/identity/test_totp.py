"""identity/totp.py. Codes of RFC 6238, appendix B (SHA-1 rows, their last six digits)."""

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from app.core import db
from app.core.errors import Problem
from identity import staff, totp
from identity.staff_models import Staff
from tests.support.staff import Person, person, refused

pytestmark = pytest.mark.usefixtures("db_clean")

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
RFC_CODES = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
]
NOON = datetime(2026, 6, 15, 12, 0, 15, tzinfo=UTC)


def with_secret(who: Person, secret: str) -> None:
    with db.transaction() as session:
        session.execute(
            update(Staff)
            .where(Staff.id == who.staff_id)
            .values(totp_sealed=totp.sealed(secret, who.staff_id, db.PROVINCE))
        )


def row_of(who: Person) -> Staff:
    with db.transaction() as session:
        return session.get_one(Staff, who.staff_id)


def tried(who: Person, code: str | None) -> str:
    """`passed` or the refusal's code."""
    try:
        totp.step_up(who.principal(), code)
    except Problem as problem:
        return problem.code
    return "passed"


def wrong_for(who: Person) -> str:
    return f"{(int(who.code()) + 1) % 1_000_000:06d}"


@pytest.fixture
def approver() -> Person:
    return person("approver")


@pytest.mark.parametrize(("at", "code"), RFC_CODES)
def test_the_rfc_codes_pass(approver, at, code):
    with_secret(approver, RFC_SECRET)
    principal = approver.principal()
    with time_machine.travel(at, tick=False):
        totp.step_up(principal, code)
    assert row_of(approver).totp_step == at // 30


@pytest.mark.parametrize(
    ("away_s", "outcome"),
    [(-60, "step_up_required"), (-30, "passed"), (0, "passed"), (30, "passed"), (60, "step_up_required")],
)
def test_a_code_of_one_step_either_side_passes_and_no_further(approver, away_s, outcome):
    with time_machine.travel(NOON + timedelta(seconds=away_s), tick=False):
        code = approver.code()
    with time_machine.travel(NOON, tick=False):
        assert tried(approver, code) == outcome


def test_a_code_works_once(approver):
    with time_machine.travel(NOON, tick=False):
        assert tried(approver, approver.code()) == "passed"
        assert tried(approver, approver.code()) == "step_up_required"


def test_a_code_older_than_the_last_one_used_is_refused(approver):
    with time_machine.travel(NOON - timedelta(seconds=30), tick=False):
        earlier = approver.code()
    with time_machine.travel(NOON, tick=False):
        assert tried(approver, approver.code()) == "passed"
        assert tried(approver, earlier) == "step_up_required"


def test_one_code_in_twenty_threads_passes_once(approver):
    code = approver.code()
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(lambda _: tried(approver, code), range(20)))
    assert outcomes.count("passed") == 1


@pytest.mark.parametrize("code", [None, "", "12345", "1234567", "12345a", "１２３４５６", "12345\n", " 123456"])
def test_no_code_and_no_six_digits_are_refused_and_count_for_nothing(approver, code):
    assert tried(approver, code) == "step_up_required"
    assert row_of(approver).totp_failures == 0


def test_five_failures_bring_a_delay_in_which_even_the_right_code_is_not_judged(approver):
    with time_machine.travel(NOON, tick=False):
        assert {tried(approver, wrong_for(approver)) for _ in range(5)} == {"step_up_required"}
        with refused("too_many_requests") as answer:
            totp.step_up(approver.principal(), approver.code())
        assert answer.problem.headers == {"Retry-After": "30"}
    with time_machine.travel(NOON + timedelta(seconds=31), tick=False):
        assert tried(approver, approver.code()) == "passed"
    assert row_of(approver).totp_failures == 0


def test_a_hundred_guesses_at_once_are_judged_five_times_at_most(approver):
    wrong = wrong_for(approver)
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(lambda _: tried(approver, wrong), range(100)))
    assert outcomes.count("step_up_required") == row_of(approver).totp_failures == 5
    assert outcomes.count("too_many_requests") == 95


def test_the_delay_grows_to_a_quarter_of_an_hour_and_no_further(approver):
    at, waits = NOON, []
    for _ in range(40):
        with time_machine.travel(at, tick=False):
            tried(approver, wrong_for(approver))
        row = row_of(approver)
        if row.totp_retry_at:
            waits.append((row.totp_retry_at - at).total_seconds())
            at = row.totp_retry_at
    assert waits[:6] == [30, 60, 120, 240, 480, 900]
    assert set(waits[6:]) == {900}


def test_guessing_during_the_delay_does_not_prolong_it(approver):
    with time_machine.travel(NOON, tick=False):
        for _ in range(5):
            tried(approver, wrong_for(approver))
        until = row_of(approver).totp_retry_at
        for _ in range(20):
            tried(approver, wrong_for(approver))
    assert row_of(approver).totp_retry_at == until


def test_an_account_suspended_since_its_token_was_looked_at_is_refused(approver):
    principal = approver.principal()
    staff.suspend(approver.staff_id, actor="test")
    with refused("step_up_required"):
        totp.step_up(principal, approver.code())


def test_one_accounts_failures_do_not_delay_another(approver):
    other = person("approver")
    with time_machine.travel(NOON, tick=False):
        for _ in range(6):
            tried(approver, wrong_for(approver))
        assert tried(other, other.code()) == "passed"


def test_the_secret_rests_sealed(approver):
    assert approver.secret not in row_of(approver).totp_sealed
    assert row_of(approver).totp_sealed.startswith("v1|")


def test_secrets_have_160_bits_and_differ():
    made = {totp.new_secret() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"[A-Z2-7]{32}", secret) for secret in made)
