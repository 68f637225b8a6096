"""A hint makes us ask; what the hint says is never believed."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from app.core.db import transaction
from app.core.errors import NotSent
from handlers.cases import pull, submit
from tests.support.citizen_fixtures import filed, run_all
from tests.support.citizen_steps import LI


@pytest.fixture
def case_id(mini, town):
    made = filed(mini("li", LI, 3))
    run_all()
    return made


def hint(town, case_id, seq=99):
    with transaction() as db:
        pull.want(db, town.cases[case_id].case_no, seq)


def state(rows):
    return rows("SELECT state FROM cases")[0][0]


def test_a_hint_makes_us_ask_and_the_answer_counts(town, rows, case_id):
    town.advance(case_id, "received", "accepted")
    hint(town, case_id)
    run_all()
    assert state(rows) == "accepted"


def test_a_hint_without_truth_behind_it_changes_nothing(town, rows, case_id):
    hint(town, case_id)
    assert pull.pull_next()
    assert state(rows) == "submitted"


def test_an_old_hint_asks_nothing(town, case_id):
    asked = town.calls["get_case"]
    hint(town, case_id, seq=1)
    assert not pull.pull_next()
    assert town.calls["get_case"] == asked


def test_a_hint_of_an_unknown_number_is_let_go(town, case_id):
    with transaction() as db:
        pull.want(db, "nobody-s-number", 1)
    assert not pull.pull_next()


def test_a_hint_that_overtakes_our_own_answer_is_not_lost(mini, town, rows):
    """The province calls back before its answer to the submission is committed here."""

    def early():
        submitted = next(iter(town.cases.values()), None)
        assert submitted is None or submitted.case_no
        with transaction() as db:
            pull.want(db, "990000202606150000", 2)

    made = filed(mini("li", LI, 3))
    town.during["submit_case"] = early
    submit.submit_next()
    town.advance(made, "received")
    run_all()
    assert state(rows) == "received"


def test_a_hint_while_we_ask_makes_us_ask_again(town, rows, case_id):
    def meanwhile():
        town.during.clear()
        town.advance(case_id, "received")
        hint(town, case_id)

    hint(town, case_id)
    shown = town.cases[case_id]
    town.during["get_case"] = meanwhile
    real = town.get_case
    town.get_case = lambda _number: (town.reached("get_case"), shown)[1]
    assert pull.pull_next()
    town.get_case = real
    assert state(rows) == "submitted"
    assert pull.pull_next(), "the second hint still stands"
    assert state(rows) == "received"


def test_a_province_that_does_not_answer_is_asked_again_later(town, rows, case_id):
    town.advance(case_id, "received")
    hint(town, case_id)
    town.trouble["get_case"] = NotSent("refused")
    assert pull.pull_next()
    assert not pull.pull_next(), "it must wait"
    assert rows("SELECT state, failures FROM case_pulls") == [("wanted", 1)]
    town.trouble.clear()
    rows("UPDATE case_pulls SET next_at = now()")
    assert pull.pull_next()
    assert (state(rows), rows("SELECT failures FROM case_pulls")[0][0]) == ("received", 0)


def test_an_open_case_is_asked_about_by_itself_and_a_closed_one_is_not(town, rows, case_id):
    town.advance(case_id, "withdrawn")
    assert not pull.pull_next()
    rows("UPDATE case_pulls SET next_at = now()")
    assert pull.pull_next()
    assert (state(rows), rows("SELECT state FROM case_pulls")[0][0]) == ("withdrawn", "closed")
    rows("UPDATE case_pulls SET next_at = now()")
    assert not pull.pull_next()


def test_a_worker_that_died_asking_is_replaced(town, rows, case_id):
    town.advance(case_id, "received")
    rows("UPDATE case_pulls SET state = 'pulling', lease_until = now() - interval '1 s'")
    assert pull.pull_next()
    assert state(rows) == "received"


def test_a_snapshot_that_cannot_be_written_waits_its_turn(town, rows, case_id):
    town.advance(case_id, "received")
    town.cases[case_id] = replace(town.cases[case_id], seq=2**40)
    hint(town, case_id)
    assert pull.pull_next()
    assert rows("SELECT state, failures FROM case_pulls") == [("wanted", 1)]
    assert not pull.pull_next(), "it must wait"


def test_a_hint_finds_its_case_by_the_index(town, case_id):
    """Row-level security compares the tenant with an OR, which no index serves; so the query names the tenant itself."""
    with transaction() as db:
        db.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"))
        query = pull.by_number(db, town.cases[case_id].case_no)
        plan = db.scalars(text(f"EXPLAIN {query.compile(db.get_bind(), compile_kwargs={'literal_binds': True})}"))
        shown = "\n".join(plan)
    assert "Index Cond: ((tenant_id = 'province'" in shown
