"""The breaker: a cap, a pause, one probe."""

import pytest

from handlers.gateway.breaker import PAUSE_S, TRIPS_AFTER, Breaker, forget, of


@pytest.fixture
def breaker() -> Breaker:
    return Breaker()


def silences(breaker: Breaker, count: int, now: float = 0.0) -> None:
    for _ in range(count):
        assert breaker.enter(8, now)
        breaker.leave(answered=False, now=now)


def test_only_so_many_calls_are_under_way(breaker):
    assert breaker.enter(2, 0.0)
    assert breaker.enter(2, 0.0)
    assert not breaker.enter(2, 0.0)
    breaker.leave(answered=True, now=0.0)
    assert breaker.enter(2, 0.0)


def test_silences_in_a_row_open_it_for_a_while(breaker):
    silences(breaker, TRIPS_AFTER)
    assert not breaker.enter(8, PAUSE_S - 0.1)
    assert breaker.wait_s(1.0) == PAUSE_S - 1


def test_an_answer_in_between_starts_the_count_anew(breaker):
    silences(breaker, TRIPS_AFTER - 1)
    assert breaker.enter(8, 0.0)
    breaker.leave(answered=True, now=0.0)
    silences(breaker, TRIPS_AFTER - 1)
    assert breaker.enter(8, 0.0)


def test_after_the_pause_one_probe_decides(breaker):
    silences(breaker, TRIPS_AFTER)
    assert breaker.enter(8, PAUSE_S)
    assert not breaker.enter(8, PAUSE_S)
    breaker.leave(answered=False, now=PAUSE_S)
    assert not breaker.enter(8, PAUSE_S + 1)
    assert breaker.enter(8, 2 * PAUSE_S)
    breaker.leave(answered=True, now=2 * PAUSE_S)
    assert breaker.enter(8, 2 * PAUSE_S)
    assert breaker.enter(8, 2 * PAUSE_S)


def test_each_service_has_its_own():
    forget()
    assert of("sv_1") is of("sv_1")
    assert of("sv_1") is not of("sv_2")
