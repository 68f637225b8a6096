"""Receipts find their attempt by the channel's id, early or late, and are the only thing that resolves an unknown."""

import threading

import pytest

from app.core.db import transaction
from app.core.errors import OutcomeUnknown
from notifications import deliver, receipts, templates
from tests.notifications.test_deliver import attempt, grants, run, say
from tests.support.citizen_fixtures import PROGRESS, accept
from tests.support.citizen_steps import LI, WANG
from tests.support.surroundings import WECHAT_APP_ID


@pytest.fixture
def li(mini):
    phone = mini("li", LI, 2)
    accept(phone, times=2)
    return phone


def receive(phone, message_id, *, ok=True, code="0"):
    item = {"template_id": PROGRESS, "message_id": message_id, "ok": ok, "code": code, "status": "success"}
    with transaction() as db:
        template = templates.by_platform_id(db, "wechat", WECHAT_APP_ID, PROGRESS)
        receipts._received(db, phone.account_id, template, item)


@pytest.mark.parametrize(("ok", "state"), [(True, "delivered"), (False, "failed_by_channel")])
def test_a_receipt_settles_its_attempt(li, town, rows, ok, state):
    say(li)
    run()
    receive(li, town.sent[0].message_id, ok=ok, code="0" if ok else "10001")
    assert attempt(rows)[0] == state


def test_the_same_receipt_again_changes_nothing(li, town, rows):
    say(li)
    run()
    for _ in range(3):
        receive(li, town.sent[0].message_id)
    assert rows("SELECT count(*) FROM message_receipts")[0][0] == 1


def test_a_later_contradiction_does_not_move_a_final_state(li, town, rows):
    say(li)
    run()
    receive(li, town.sent[0].message_id)
    receive(li, town.sent[0].message_id, ok=False, code="1")
    assert attempt(rows)[0] == "delivered"


def test_a_receipt_before_our_own_commit_is_kept_and_applied(li, town, rows):
    say(li)
    town.during["send"] = lambda: receive(li, "4064264178917700000")
    run()
    assert attempt(rows)[0] == "delivered"


def test_a_receipt_resolves_the_only_unknown(li, town, rows):
    say(li)
    town.after["send"] = OutcomeUnknown("reset")
    run()
    assert grants(rows) == ["given", "maybe_used"]
    receive(li, town.sent[0].message_id)
    assert (attempt(rows)[0], grants(rows)) == ("delivered", ["given", "used"])


def test_of_two_unknowns_none_is_guessed(li, town, rows):
    town.after["send"] = OutcomeUnknown("reset")
    for number in range(2):
        say(li, f"event:{number}")
        run()
    receive(li, town.sent[0].message_id)
    assert rows("SELECT DISTINCT state FROM message_attempts") == [("unknown",)]


def test_a_receipt_while_another_is_in_flight_is_not_the_unknown_s(li, town, rows):
    say(li)
    town.after["send"] = OutcomeUnknown("reset")
    run()
    town.after.clear()
    say(li, "event:2")
    town.during["send"] = lambda: receive(li, "4064264178917700001")
    run()
    assert sorted(row[0] for row in rows("SELECT state FROM message_attempts")) == ["delivered", "unknown"]


def test_another_account_s_receipt_settles_nothing(li, mini, town, rows):
    say(li)
    run()
    receive(mini("wang", WANG, 2), town.sent[0].message_id)
    assert attempt(rows)[0] == "accepted_by_channel"


def test_nothing_is_settled_twice_by_the_sweeper(li, town, rows):
    say(li)
    run()
    receive(li, town.sent[0].message_id)
    assert deliver.notice_lost() == 0
    assert attempt(rows)[0] == "delivered"


def test_a_receipt_at_the_very_moment_of_our_commit_is_applied(li, town, rows, monkeypatch):
    """Neither transaction sees the other's row unless one of them waits."""
    apply_early, threads = receipts.apply_early, []

    def and_meanwhile(db, attempt_id):
        apply_early(db, attempt_id)
        threads.append(threading.Thread(target=receive, args=(li, town.sent[0].message_id)))
        threads[0].start()
        threads[0].join(0.5)  # long enough to have looked for the attempt, unless it waits for us

    monkeypatch.setattr(receipts, "apply_early", and_meanwhile)
    say(li)
    run()
    threads[0].join()
    assert attempt(rows)[0] == "delivered"
