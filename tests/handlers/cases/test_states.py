"""The table of states: closed, connected, and the same set as the words people read."""

import pytest

from config.cases import STATE_WORDS
from handlers.cases import states


def test_words_and_moves_name_the_same_states():
    assert set(STATE_WORDS) == set(states.MOVES)


def test_every_move_leads_to_a_state():
    assert {to for moves in states.MOVES.values() for to in moves} <= set(states.MOVES)


def test_every_province_state_can_be_reached_from_filing():
    assert states.REACHABLE["queued"] >= set(states.MOVES) - {"draft", "queued"}


@pytest.mark.parametrize("final", sorted(states.FINAL))
def test_final_states_never_move(final):
    assert not [state for state in states.MOVES if state != final and states.can_become(final, state)]


@pytest.mark.parametrize(
    ("now", "then"),
    [("queued", "submitted"), ("queued", "done"), ("submitted", "accepted"), ("accepted", "correction"),
     ("correction", "accepted"), ("rejected", "done"), ("accepted", "accepted"), ("unknown", "accepted")],
)  # fmt: skip
def test_a_snapshot_may_skip_steps(now, then):
    assert states.can_become(now, then)


@pytest.mark.parametrize(
    ("now", "then"),
    [("accepted", "submitted"), ("approved", "accepted"), ("submitted", "queued"), ("submitted", "refused"),
     ("approved", "not_accepted"), ("submitted", "nonsense"), ("received", "pre_passed")],
)  # fmt: skip
def test_a_case_never_goes_back_nor_into_our_own_states(now, then):
    assert not states.can_become(now, then)


def test_phrases_fit_a_message_field():
    assert all(1 <= len(words.phrase) <= 5 for words in STATE_WORDS.values())
