import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, update

from app.core import clock, db, events, leases
from app.core.events import OutboxDelivery
from app.core.ids import new_id

pytestmark = pytest.mark.usefixtures("db_clean")


def _rows(count: int, **values) -> list[str]:
    ids = [new_id("ed") for _ in range(count)]
    with db.transaction() as session:
        event = events.emit(session, "nobody.listens", "x")
        for index, row in enumerate(ids):
            base = {
                "id": row,
                "tenant_id": "province",
                "event_id": event,
                "subscriber": f"s{index}",
                "state": "waiting",
                "n": 0,
            }
            session.execute(insert(OutboxDelivery).values(**(base | values)))
    return ids


def _claim(limit: int = 10, **options) -> list[leases.Claim]:
    with db.transaction(db.ALL_TENANTS) as session:
        return leases.claim(
            session, OutboxDelivery, from_states=("waiting",), to_state="running", limit=limit, lease_s=30, **options
        )


def _expire() -> None:
    with db.transaction() as session:
        session.execute(update(OutboxDelivery).values(lease_until=func.clock_timestamp() - timedelta(seconds=1)))


def _settle(held: leases.Claim, state: str = "done") -> bool:
    with db.transaction() as session:
        return leases.settle(session, OutboxDelivery, held, state=state)


def test_a_claim_leases_due_rows_and_counts_n():
    ids = _rows(2)
    assert sorted((held.id, held.n) for held in _claim()) == sorted((row, 1) for row in ids)
    assert _claim() == []


def test_a_row_planned_for_later_is_not_due():
    _rows(1, next_at=clock.now() + timedelta(hours=1))
    assert _claim() == []


def test_a_lease_that_ran_out_is_taken_again_with_the_next_number():
    _rows(1)
    _claim()
    _expire()
    assert [held.n for held in _claim()] == [2]


def test_rows_in_which_bytes_may_have_left_are_not_taken_again():
    _rows(1)
    _claim()
    _expire()
    assert _claim(reclaim=False) == []


def test_a_slow_worker_is_fenced_off():
    _rows(1)
    (slow,) = _claim()
    _expire()
    (quick,) = _claim()
    assert _settle(slow) is False
    assert _settle(quick) is True
    assert _settle(quick) is False


def test_a_released_row_waits():
    _rows(1)
    (held,) = _claim()
    with db.transaction() as session:
        assert leases.release(session, OutboxDelivery, held, state="waiting", delay_s=60)
    assert _claim() == []


def test_move_changes_only_from_the_named_states():
    (row,) = _rows(1)
    with db.transaction() as session:
        assert not leases.move(session, OutboxDelivery, row, from_states=("running",), state="done")
        assert leases.move(session, OutboxDelivery, row, from_states=("waiting",), state="done")


def test_many_workers_share_rows_without_taking_one_twice():
    _rows(200)
    taken: list[str] = []

    def work() -> None:
        while held := _claim(7):
            taken.extend(claim.id for claim in held)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(taken) == 200
    assert len(set(taken)) == 200


def test_backoff_doubles_up_to_its_most():
    assert [leases.backoff_s(n, first_s=1, most_s=10) for n in (1, 2, 3, 4, 5, 50)] == [1, 2, 4, 8, 10, 10]


def test_backoff_still_has_its_most_after_a_week_of_trying():
    # n counts for ever; 2.0 ** 1024 is no float, and a pause that raises takes the whole job down with it
    assert leases.backoff_s(5000, most_s=10) == 10
