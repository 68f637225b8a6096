"""The bench's arithmetic: spreads, ratios inside a round, what counts as foreign, what counts as noisy."""

import os

import pytest

from bench import machine, report, rounds
from bench.load import Result
from bench.rounds import Clocks, Measured


def one(number=1, name="tongban", requests_s=100.0, cpu_us=50.0, foreign=0.0, **more):
    figures = {"p50_ms": 1.0, "p99_ms": 2.0, "shared_us": {"redis": 5.0}, "generator_us": 1.0, "load": 0.5}
    counts = {"statuses": {"200": 10}, "wrong": 0, "dropped": 0}
    return Measured(
        round=number, name=name, requests_s=requests_s, cpu_us=cpu_us, foreign=foreign, **figures | counts | more
    )


def test_a_spread_is_minimum_median_maximum():
    found = rounds.spread([5, 1, 4, 2])
    assert (found.min, found.median, found.max) == (1, 3, 5)


def test_a_spread_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="nothing"):
        rounds.spread([])


def test_ratios_are_taken_inside_the_round():
    made = [one(1, requests_s=300), one(1, "httpx", 100), one(2, requests_s=80), one(2, "httpx", 20)]
    assert rounds.ratios(made, "tongban", "httpx", "requests_s") == [3, 4]


def test_a_round_without_both_gives_no_ratio():
    made = [one(1), one(2), one(2, "httpx", requests_s=0)]
    assert rounds.ratios(made, "tongban", "httpx", "requests_s") == []


def test_cpu_is_counted_for_each_answer():
    before = Clocks(at=0, busy=0, own=0, groups={1: 1.0, 2: 5.0, 3: 0.0})
    after = Clocks(at=2, busy=3, own=0.1, groups={1: 1.5, 2: 5.1, 3: 0.2})
    result = Result(2.0, 1000, {"200": 1000}, 0, "", 0, 1.0, 2.0)
    found = rounds.measured({"tongban": 1, "redis": 2}, "tongban", 1, result, before, after, 3)
    assert (found.requests_s, round(found.cpu_us), round(found.shared_us["redis"])) == (500, 500, 100)
    assert round(found.generator_us) == 200


def test_foreign_is_what_neither_we_nor_our_children_used():
    before = Clocks(at=0, busy=10, own=1, groups={1: 1})
    after = Clocks(at=2, busy=13, own=1.5, groups={1: 2.5})
    assert rounds.foreign_share(before, after, cpus=2) == pytest.approx(0.25)


@pytest.mark.parametrize(("foreign", "noisy"), [(0.0, False), (rounds.NOISY_SHARE, False), (0.11, True)])
def test_rounds_are_marked_noisy(foreign, noisy):
    assert one(foreign=foreign).noisy is noisy


def test_the_summary_counts_noise_and_wrong_answers():
    found = rounds.summary([one(1), one(2, foreign=0.5), one(3, wrong=2, dropped=1)])["tongban"]
    assert (found["noisy_rounds"], found["wrong_answers"], found["requests_s"]["median"]) == (1, 3, 100)


@pytest.mark.parametrize(("theirs", "met"), [(200.0, True), (199.0, False)])
def test_a_goal_is_judged_by_its_median(theirs, met):
    made = [one(1, cpu_us=100), one(1, "naive", cpu_us=theirs)]
    (row,) = report.judged(made, [report.GOALS[1]])
    assert row["met"] is met


def test_a_goal_without_its_peer_is_not_met():
    (row,) = report.judged([one(1)], [report.GOALS[0]])
    assert (row["met"], row["ratio"]) == (False, None)


def test_the_screen_says_what_was_not_measured():
    made = [one(1)]
    results = {
        "summary": rounds.summary(made), "gate": {"httpx": {"failures": ["mix_up: 3 wrong"]}},
        "goals": report.judged(made, report.GOALS), "ratios": [], "start_s": {"tongban": 1.5}, "memory": {},
        "doors": [{"title": "login", "not_measured": "answers were {'404': 3}"}],
    }  # fmt: skip
    shown = report.screen(results)
    assert "not measured: mix_up: 3 wrong" in shown
    assert "not measured: answers were" in shown
    assert "NOT met" in shown


def test_the_name_of_a_process_may_hold_anything():
    assert machine.stat_of("7 (a b) c) S 5 1 1")[:2] == ["S", "5"]


def test_a_process_belongs_to_its_nearest_leader():
    parents = {30: 20, 20: 10, 10: 1, 40: 1}
    assert machine.leader_of(30, parents, {10, 20}) == 20
    assert machine.leader_of(40, parents, {10, 20}) is None


def test_our_own_cpu_and_memory_are_found():
    pid = os.getpid()
    assert machine.cpu_s({pid})[pid] > 0
    assert machine.memory(pid)[0].pss_kib > 0
