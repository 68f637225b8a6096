"""The idempotency store: every state a key can be in, and what a repeat gets there (P5)."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from app.core import clock, crypto, db, idempotency
from app.core.errors import Problem
from app.core.idempotency import Fresh, IdempotencyKey, Replay

pytestmark = pytest.mark.usefixtures("db_clean")

KEY = "key-0001"


def begin(key=KEY, fingerprint="f1", subject="ac_1", method="POST", route="/v1/cases", **more):
    return idempotency.begin(subject, method, route, key, fingerprint, **more)


def row():
    with db.transaction("*") as session:
        return session.scalars(select(IdempotencyKey)).one_or_none()


def change(**values):
    with db.transaction("*") as session:
        session.execute(update(IdempotencyKey).values(**values))


def refused(code, **arguments):
    with pytest.raises(Problem) as caught:
        begin(**arguments)
    assert caught.value.code == code
    return caught.value


@pytest.mark.parametrize(
    "key", [None, "", "short-7", "x" * 65, "with space", "键键键键键键键键", "semi;colon", "key-0001\n", "%6b" * 4]
)
def test_a_missing_or_malformed_key_is_refused(key):
    assert refused("idempotency_key_required", key=key).status == 400
    assert row() is None


@pytest.mark.parametrize("key", ["12345678", "x" * 64, "a_b-C9Zz"])
def test_a_key_of_the_form_is_taken(key):
    assert isinstance(begin(key), Fresh)


def test_a_repeat_gets_the_first_answer_as_it_was():
    first = begin()
    idempotency.complete(first, 201, {"Location": "/v1/cases/cs_1"}, b"\x00\xff body")
    assert begin() == Replay(201, {"Location": "/v1/cases/cs_1"}, b"\x00\xff body")
    assert begin() == begin()


def test_a_large_answer_comes_back_whole():
    idempotency.complete(begin(), 200, {}, b"x" * 3_000_000)
    assert len(begin().body) == 3_000_000


def test_the_same_key_with_another_body_is_refused_in_every_state():
    first = begin()
    assert refused("idempotency_key_reused", fingerprint="f2").status == 422
    idempotency.mark_unknown(first)
    refused("idempotency_key_reused", fingerprint="f2")
    idempotency.complete(first, 200, {}, b"")
    refused("idempotency_key_reused", fingerprint="f2")


def test_while_the_first_runs_a_repeat_is_told_to_wait():
    begin()
    problem = refused("still_running")
    assert problem.status == 409
    assert int(problem.headers["Retry-After"]) > 0


def test_an_unknown_outcome_stays_unknown():
    first = begin()
    idempotency.mark_unknown(first, "cs_1")
    problem = refused("outcome_unknown")
    assert (problem.status, problem.detail) == (504, {"reference": "cs_1"})
    change(created_at=clock.now() - timedelta(days=400), lease_until=clock.now() - timedelta(days=400))
    assert idempotency.purge() == 0
    refused("outcome_unknown")


def test_an_unknown_outcome_that_became_known_is_given():
    first = begin()
    idempotency.mark_unknown(first)
    idempotency.complete(first, 200, {}, b"found out")
    assert begin().body == b"found out"


def test_what_a_killed_process_left_running_is_unknown_and_not_free():
    begin()
    change(lease_until=func.clock_timestamp() - timedelta(seconds=1))
    assert refused("outcome_unknown").detail == {}


def test_a_slow_one_that_finishes_after_its_lease_is_believed():
    first = begin()
    change(lease_until=func.clock_timestamp() - timedelta(seconds=1))
    refused("outcome_unknown")
    idempotency.complete(first, 200, {}, b"late")
    assert begin().body == b"late"


def test_an_abandoned_key_is_free_again():
    idempotency.abandon(begin())
    assert row() is None
    assert isinstance(begin(fingerprint="f2"), Fresh)


def test_a_final_answer_is_neither_abandoned_nor_forgotten_nor_rewritten():
    first = begin()
    idempotency.complete(first, 200, {}, b"first")
    idempotency.abandon(first)
    idempotency.mark_unknown(first)
    idempotency.complete(first, 500, {}, b"second")
    assert begin() == Replay(200, {}, b"first")


@pytest.mark.parametrize(
    "other",
    [{"subject": "ac_2"}, {"method": "PUT"}, {"route": "/v1/other"}, {"key": "key-0002"}, {"tenant": "org_1"}],
)
def test_keys_belong_to_their_caller_method_and_route(other):
    idempotency.complete(begin(), 200, {}, b"mine")
    assert isinstance(begin(**other), Fresh)


def test_final_answers_are_kept_a_day_and_no_longer():
    idempotency.complete(begin(), 200, {}, b"")
    change(final_at=func.clock_timestamp() - timedelta(hours=23))
    assert idempotency.purge() == 0
    change(final_at=func.clock_timestamp() - timedelta(hours=25))
    assert idempotency.purge() == 1
    assert isinstance(begin(), Fresh)


def test_neither_key_nor_answer_rests_in_the_open():
    idempotency.complete(begin("canary-key"), 200, {"X": "canary"}, b"canary")
    with db.transaction() as session:
        assert (
            "canary"
            not in session.execute(text("SELECT (idempotency_keys.*)::text FROM idempotency_keys")).scalar_one()
        )


def test_of_many_at_once_one_is_fresh():
    outcomes = []
    start = threading.Barrier(12)

    def work():
        start.wait()
        try:
            outcomes.append(type(begin()).__name__)
        except Problem as problem:
            outcomes.append(problem.code)

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Fresh"] + ["still_running"] * 11


def test_another_tenant_sees_nothing():
    idempotency.complete(begin(tenant="org_1"), 200, {}, b"")
    with db.transaction("org_2") as session:
        assert session.scalars(select(IdempotencyKey)).all() == []


def test_the_body_cannot_be_guessed_from_what_is_kept_of_it():
    # The body of a real-name check is a name and a number: its plain digest could be tried out in seconds (P7).
    digest = "0b" * 32
    begin(fingerprint=digest)
    assert digest not in row().fingerprint


def test_a_key_taken_before_the_index_key_was_rotated_is_still_known(monkeypatch):
    begin(fingerprint="f1")
    before = crypto.blind_indexes
    monkeypatch.setattr(crypto, "blind_indexes", lambda kind, text: ["2:of-the-new-key", *before(kind, text)])
    refused("still_running")
    refused("idempotency_key_reused", fingerprint="f2")
