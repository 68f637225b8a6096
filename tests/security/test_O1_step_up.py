"""O1 for what staff have now: the authenticator's code over HTTP. Guesses are few, delays grow, strangers lock out nobody."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine

from app.core import clock, db
from app.factory import create_app
from identity import staff
from identity.staff_models import Staff
from tests.support.staff import Person, person

pytestmark = pytest.mark.usefixtures("db_clean")
PATH = "/ops/v1/approvals/ap_00000000000000000000000000/approve"  # absent: 404 means that the code was taken
BODY = {"payload_hash": "0" * 64}


@pytest.fixture(scope="module")
def flask_app(servers):
    return create_app()


def tried(flask_app, who: Person, code: str) -> int:
    headers = who.headers | {"X-TOTP": code}
    return flask_app.test_client().post(PATH, json=BODY, headers=headers).status_code


def wrong(who: Person) -> str:
    return f"{(int(who.code()) + 1) % 1_000_000:06d}"


def failures(who: Person) -> int:
    with db.transaction() as session:
        return session.get_one(Staff, who.staff_id).totp_failures


def test_a_code_opens_once(flask_app):
    who = person("approver")
    code = who.code()
    assert [tried(flask_app, who, code) for _ in range(3)] == [404, 403, 403]


def test_parallel_guesses_are_judged_five_times_at_most(flask_app):
    who = person("approver")
    guess = wrong(who)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: tried(flask_app, who, guess), range(30)))
    assert answers.count(403) == failures(who) == 5
    assert answers.count(429) == 25


def test_who_has_no_token_cannot_delay_anybody(flask_app):
    who = person("approver")
    for _ in range(20):
        answer = flask_app.test_client().post(PATH, json=BODY, headers={"X-TOTP": "000000"})
        assert answer.status_code == 401
    assert failures(who) == 0
    assert tried(flask_app, who, who.code()) == 404


def test_a_colleague_cannot_delay_another(flask_app):
    who, colleague = person("approver"), person("approver")
    for _ in range(8):
        tried(flask_app, colleague, wrong(colleague))
    assert tried(flask_app, who, who.code()) == 404


def test_after_the_delay_the_right_code_opens_again(flask_app):
    who = person("approver")
    for _ in range(5):
        tried(flask_app, who, wrong(who))
    assert tried(flask_app, who, who.code()) == 429
    with time_machine.travel(clock.now() + timedelta(seconds=31)):
        assert tried(flask_app, who, who.code()) == 404


def test_a_replaced_authenticator_opens_nothing(flask_app):
    who = person("approver")
    staff.renew_totp(who.staff_id, actor="test")
    assert tried(flask_app, who, who.code()) == 403
