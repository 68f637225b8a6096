"""Handing a case over: each outcome is its own state, and nothing is filed twice whatever dies or stays silent."""

import threading

import pytest

from app.core import leases
from app.core.db import transaction
from app.core.errors import (
    NotSent,
    OutcomeUnknown,
    PlatformBusy,
    PlatformGarbled,
    PlatformMisconfigured,
    PlatformRefused,
)
from handlers.cases import submit
from handlers.cases.models import CaseSubmission
from tests.support.citizen_fixtures import filed
from tests.support.citizen_steps import LI


@pytest.fixture
def li(mini):
    return mini("li", LI, 3)


def at_once(rows):
    """Whatever waits for later is due now, whatever is leased has run out."""
    rows("UPDATE case_submissions SET next_at = now() - interval '1 s', lease_until = lease_until - interval '1 hour'")


def state(rows, case_id):
    return rows("SELECT s.state, c.state FROM case_submissions s JOIN cases c USING (id) WHERE c.id = :id", id=case_id)[
        0
    ]


def test_what_is_sent_is_what_was_filed(li, town):
    case_id = filed(li)
    assert submit.submit_next()
    sent = town.filed[0]
    assert (sent.case_id, sent.subject_id, sent.form, sent.channel) == (
        case_id, "subject-li", {"reason": "LOST"}, "wechat"
    )  # fmt: skip
    assert not submit.submit_next()


def test_the_use_of_the_citizen_s_data_is_on_record(li, rows):
    case_id = filed(li)
    submit.submit_next()
    assert rows("SELECT purpose, recipient, fields FROM data_uses WHERE ref = :ref", ref=case_id) == [
        ("case.submit", "province", ["reason", "subject"])
    ]


@pytest.mark.parametrize("trouble", [NotSent("refused"), PlatformBusy("province", "cases.submit", retry_after_s=40)])
def test_not_sent_is_tried_again_later(li, town, rows, trouble):
    case_id = filed(li)
    town.trouble["submit_case"] = trouble
    submit.submit_next()
    assert state(rows, case_id) == ("queued", "queued")
    assert not submit.submit_next(), "it must wait"
    town.trouble.clear()
    at_once(rows)
    submit.submit_next()
    assert (state(rows, case_id), len(town.filed)) == (("submitted", "submitted"), 1)


def test_the_pause_is_at_least_what_the_province_asked_for(li, town, rows):
    filed(li)
    town.trouble["submit_case"] = PlatformBusy("province", "cases.submit", retry_after_s=40)
    submit.submit_next()
    assert 30 < rows("SELECT extract(epoch FROM next_at - now()) FROM case_submissions")[0][0] <= 40


def test_a_wrong_credential_waits_for_a_person(li, town, rows):
    case_id = filed(li)
    town.trouble["submit_case"] = PlatformMisconfigured("province", "cases.submit", "40101")
    submit.submit_next()
    assert state(rows, case_id) == ("queued", "queued")
    assert rows("SELECT extract(epoch FROM next_at - now()) > 500 FROM case_submissions")[0][0]


def test_a_definite_no_is_final_and_told(li, town, rows):
    case_id = filed(li)
    town.trouble["submit_case"] = PlatformRefused("province", "cases.submit", "40301")
    submit.submit_next()
    assert state(rows, case_id) == ("refused", "refused")
    assert rows("SELECT data->>'to' FROM outbox_events WHERE type = 'case.state_changed'") == [("refused",)]
    at_once(rows)
    assert not submit.submit_next()
    shown = li.send("GET", f"/v1/cases/{case_id}").json
    assert "40301" not in str(shown)


@pytest.mark.parametrize("silence", [OutcomeUnknown("read_timeout"), PlatformGarbled("province", "cases.submit")])
def test_executed_and_then_silence_is_asked_about_and_not_sent_again(li, town, rows, silence):
    case_id = filed(li)
    town.after["submit_case"] = silence
    submit.submit_next()
    assert state(rows, case_id) == ("unknown", "unknown")
    town.after.clear()
    at_once(rows)
    assert submit.resolve_next()
    assert state(rows, case_id) == ("submitted", "submitted")
    assert (len(town.filed), town.calls["find_case"]) == (1, 1)


def test_lost_on_the_way_is_filed_again_under_the_same_key_after_two_absences(li, town, rows):
    case_id = filed(li)
    town.trouble["submit_case"] = OutcomeUnknown("reset")
    submit.submit_next()
    town.trouble.clear()
    at_once(rows)
    submit.resolve_next()
    assert state(rows, case_id) == ("unknown", "unknown"), "one absence may be a request still travelling"
    assert not submit.submit_next()
    at_once(rows)
    submit.resolve_next()
    assert state(rows, case_id) == ("queued", "queued")
    submit.submit_next()
    assert [sent.case_id for sent in town.filed] == [case_id]
    assert state(rows, case_id) == ("submitted", "submitted")


def test_a_province_that_cannot_be_asked_keeps_it_unknown(li, town, rows):
    case_id = filed(li)
    town.after["submit_case"] = OutcomeUnknown("reset")
    submit.submit_next()
    town.trouble["find_case"] = NotSent("refused")
    at_once(rows)
    submit.resolve_next()
    assert state(rows, case_id) == ("unknown", "unknown")
    assert not submit.resolve_next(), "it must wait"
    assert rows("SELECT absences FROM case_submissions")[0][0] == 0


def test_a_worker_killed_after_the_intent_is_noticed_and_asked_about(li, town, rows):
    case_id = filed(li)
    with transaction() as db:  # the intent, and then nothing: kill -9
        leases.claim(db, CaseSubmission, from_states=("queued",), to_state="submitting", limit=1, lease_s=60)
    assert not submit.submit_next()
    assert submit.notice_lost() == 0, "the lease still stands"
    at_once(rows)
    assert not submit.submit_next(), "bytes may have left: never claimed again"
    assert submit.notice_lost() == 1
    assert state(rows, case_id) == ("unknown", "unknown")
    assert town.filed == []


def test_a_worker_that_was_too_slow_drops_its_result(li, town, rows):
    case_id = filed(li)
    town.during["submit_case"] = lambda: (at_once(rows), submit.notice_lost())
    submit.submit_next()
    assert state(rows, case_id) == ("unknown", "unknown")
    assert rows("SELECT case_no FROM cases")[0][0] is None


def test_a_case_that_cannot_be_built_does_not_stop_the_next(li, town, rows):
    broken, sound = filed(li), filed(li)
    rows("UPDATE cases SET form_sealed = 'v1|x' WHERE id = :id", id=broken)
    assert submit.submit_next()
    assert submit.submit_next()
    assert (state(rows, broken)[0], state(rows, sound)[0]) == ("queued", "submitted")
    assert [sent.case_id for sent in town.filed] == [sound]


def test_every_outcome_is_on_the_audit(li, town, rows):
    case_id = filed(li)
    town.after["submit_case"] = OutcomeUnknown("reset")
    submit.submit_next()
    town.after.clear()
    at_once(rows)
    submit.resolve_next()
    found = rows("SELECT act, outcome FROM audit_entries WHERE object_id = :id ORDER BY id", id=case_id)
    assert found == [("case.file", "queued"), ("case.submit", "unknown"), ("case.submit", "submitted")]


def test_many_workers_file_each_case_once(li, town):
    ids = {filed(li) for _ in range(5)}
    workers = [threading.Thread(target=lambda: [submit.submit_next() for _ in range(5)]) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(sent.case_id for sent in town.filed) == sorted(ids)


def test_an_answer_that_cannot_be_written_does_not_stop_the_next(li, town, rows):
    filed(li)
    submit.submit_next()
    broken, sound = filed(li), filed(li)
    # The province gives a number that is another case's already: the row's own constraint refuses it.
    town.cases[broken] = next(iter(town.cases.values()))
    assert submit.submit_next()
    assert state(rows, broken) == ("unknown", "unknown")
    assert submit.submit_next()
    assert state(rows, sound) == ("submitted", "submitted")
    at_once(rows)
    assert submit.resolve_next()
    assert state(rows, broken) == ("unknown", "unknown")
    assert not submit.resolve_next(), "it must wait"


def test_a_fault_of_ours_on_the_way_is_asked_about(li, town, rows):
    case_id = filed(li)
    town.after["submit_case"] = ZeroDivisionError()
    assert submit.submit_next()
    assert state(rows, case_id) == ("unknown", "unknown")
