"""M5: however many workers, clicks, retries and deaths, one attempt is sent at most once; what is not known says so."""

import threading

import pytest

from app.core import leases
from app.core.db import transaction
from notifications import deliver
from notifications.models import Attempt
from tests.notifications.test_deliver import at_once, attempt, grants, say
from tests.support.citizen_fixtures import accept
from tests.support.citizen_steps import LI

WORKERS = 50


@pytest.fixture
def li(mini):
    phone = mini("li", LI, 2)
    accept(phone, times=3)
    return phone


def together(count, act):
    ready, failures = threading.Barrier(count), []

    def work():
        ready.wait()
        try:
            act()
        except Exception as error:  # noqa: BLE001  every thread's failure is shown by the assert below
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []


def test_M5_fifty_workers_one_attempt_one_send(li, town, rows):
    say(li)
    together(WORKERS, deliver.deliver_due)
    assert (len(town.sent), attempt(rows)[0]) == (1, "accepted_by_channel")
    assert grants(rows) == ["given", "given", "used"]


def test_M5_fifty_sayers_of_one_cause_write_one_message(li, rows):
    together(20, lambda: say(li))
    assert rows("SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM message_attempts)") == [(1, 1)]
    assert rows("SELECT count(*) FROM inbox_entries")[0][0] == 1


def test_M5_many_attempts_many_workers_each_sent_once(li, town, rows):
    accept(li, times=9)
    for number in range(12):
        say(li, f"event:{number}")
    for _ in range(12):
        at_once(rows)
        together(4, deliver.deliver_due)
    assert rows("SELECT DISTINCT state FROM message_attempts") == [("accepted_by_channel",)]
    assert len(town.sent) == 12


def test_M5_the_same_claim_carried_by_many_workers_is_never_sent_twice(li, town):
    """Claims are exclusive and numbered, so this cannot happen by itself; if it did, one of them may win, never two."""
    say(li)
    with transaction() as db:
        held = leases.claim(db, Attempt, from_states=("queued",), to_state="leased", limit=1, lease_s=60)
    together(10, lambda: deliver._carry(held[0]))
    assert len(town.sent) <= 1


@pytest.mark.parametrize("moment", ["before the bytes", "after the bytes"])
def test_M5_killed_after_the_intent_is_unknown_and_never_sent_again(li, town, rows, monkeypatch, moment):
    class Killed(BaseException):
        """kill -9: no handler of ours runs."""

    def die(*_args):
        raise Killed

    say(li)
    with monkeypatch.context() as mortal:
        if moment == "before the bytes":
            town.during["send"] = die
        else:
            mortal.setattr(deliver, "_answered", die)
        with pytest.raises(Killed):
            deliver.deliver_due()
    town.during.clear()
    reached = len(town.sent)
    assert reached == (0 if moment == "before the bytes" else 1)
    assert attempt(rows)[0] == "sending", "the intent was committed before the bytes"
    for _ in range(3):
        at_once(rows)
        deliver.notice_lost()
        deliver.deliver_due()
    assert (attempt(rows)[0], len(town.sent)) == ("unknown", reached)
    assert grants(rows) == ["given", "given", "maybe_used"]


def test_M5_killed_before_the_intent_is_sent_by_the_next_worker(li, town, rows, monkeypatch):
    class Killed(BaseException):
        """kill -9: no handler of ours runs."""

    def die(*_args):
        raise Killed

    say(li)
    with monkeypatch.context() as mortal:
        mortal.setattr(deliver, "_begin_sending", die)
        with pytest.raises(Killed):
            deliver.deliver_due()
    assert attempt(rows)[0] == "leased"
    assert grants(rows) == ["given", "given", "given"], "a grant is held only by a committed intent"
    at_once(rows)
    deliver.deliver_due()
    assert (attempt(rows)[0], len(town.sent)) == ("accepted_by_channel", 1)


def test_M5_the_database_itself_refuses_two_in_flight_for_one_account(li, rows):
    say(li)
    say(li, "event:2")
    with pytest.raises(Exception, match="message_attempts_in_flight"):
        rows("UPDATE message_attempts SET state = 'sending'")


def test_M7_what_was_turned_off_meanwhile_is_not_sent(li, town, rows):
    say(li)
    accept(li, answer="ban")
    rows("UPDATE message_grants SET state = 'void'")
    deliver.deliver_due()
    assert (town.calls["send"], attempt(rows)) == (0, ("rejected", "no_grant"))
