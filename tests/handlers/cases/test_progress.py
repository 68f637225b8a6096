"""Snapshots are applied by seq along allowed moves, once each, whatever the order they come in."""

import itertools

import pytest

from app.core.db import transaction
from app.platforms.base import CaseSnapshot
from handlers.cases import progress, submit
from tests.support.citizen_fixtures import filed
from tests.support.citizen_steps import LI

SHOWN = (CaseSnapshot("N", "accepted", 4), CaseSnapshot("N", "approved", 5), CaseSnapshot("N", "done", 6, "approved"))


@pytest.fixture
def case_id(mini, town):
    made = filed(mini("li", LI, 3))
    submit.submit_next()
    return made


def apply(case_id, shown):
    with transaction() as db:
        return progress.apply(db, case_id, shown)


def moves(rows):
    return [
        (row[0], row[1])
        for row in rows(
            "SELECT data->>'from', data->>'to' FROM outbox_events WHERE type = 'case.state_changed' ORDER BY id"
        )
    ]


@pytest.mark.parametrize("order", [*itertools.permutations(SHOWN), SHOWN[::-1] * 3, SHOWN * 3])
def test_any_order_and_number_ends_in_the_newest(case_id, rows, order):
    for shown in order:
        apply(case_id, shown)
    assert rows("SELECT state, seq, result FROM cases") == [("done", 6, "approved")]
    told = moves(rows)
    assert told[-1][1] == "done"
    assert len(told) == len(set(told)), "one event a transition"
    assert all(before == after for (_, before), (after, _) in itertools.pairwise(told)), "a chain without gaps"


def test_the_same_seq_changes_nothing(case_id, rows):
    assert apply(case_id, CaseSnapshot("N", "accepted", 4))
    assert not apply(case_id, CaseSnapshot("N", "correction", 4))
    assert rows("SELECT state FROM cases") == [("accepted",)]


def test_a_newer_seq_in_the_same_state_is_no_transition(case_id, rows):
    apply(case_id, CaseSnapshot("N", "accepted", 4))
    before = len(moves(rows))
    assert apply(case_id, CaseSnapshot("N", "accepted", 5, "noted"))
    assert len(moves(rows)) == before
    assert rows("SELECT seq, result FROM cases") == [(5, "noted")]


@pytest.mark.parametrize("state", ["accepted", "submitted", "withdrawn", "queued", "invented"])
def test_a_concluded_case_never_moves_again(case_id, rows, state):
    apply(case_id, CaseSnapshot("N", "done", 6))
    assert not apply(case_id, CaseSnapshot("N", state, 99))
    assert rows("SELECT state, seq FROM cases") == [("done", 6)]


def test_steps_of_the_track_are_written_once(case_id, town, rows):
    apply(case_id, town.advance(case_id, "received", "accepted"))
    apply(case_id, town.advance(case_id, "approved", "done"))
    apply(case_id, town.cases[case_id])
    steps = rows("SELECT number, to_state FROM case_track ORDER BY number")
    assert [step[1] for step in steps] == ["queued", "submitted", "received", "accepted", "approved", "done"]
    assert [step[0] for step in steps] == list(range(6))


def test_a_snapshot_without_a_track_still_leaves_a_step(case_id, rows):
    apply(case_id, CaseSnapshot("N", "accepted", 4))
    assert rows("SELECT from_state, to_state FROM case_track ORDER BY number DESC LIMIT 1") == [
        ("submitted", "accepted")
    ]


def test_the_event_names_the_case_and_nothing_personal(case_id, rows):
    data = rows("SELECT data FROM outbox_events WHERE type = 'case.state_changed' ORDER BY id DESC LIMIT 1")[0][0]
    assert set(data) == {
        "case_id", "citizen_id", "account_id", "case_no", "item_code", "item_name", "from", "to"
    }  # fmt: skip
