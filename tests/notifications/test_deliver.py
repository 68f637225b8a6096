"""An attempt's life: each answer of the channel is its own state, the grant's fate with it, and never a second send."""

import threading

import pytest
from sqlalchemy import text

from app.core.db import transaction
from app.core.errors import (
    NotSent,
    OutcomeUnknown,
    PlatformBusy,
    PlatformGarbled,
    PlatformMisconfigured,
    PlatformRefused,
)
from app.platforms.base import SendAnswer, SendState
from notifications import deliver, messages
from tests.support.citizen_fixtures import PROGRESS, accept
from tests.support.citizen_steps import LI

VALUES = {
    "case_id": "cs_00000000000000000000000000", "case_no": "990000202606150001", "item_name": "社会保障卡补领",
    "state_text": "已办结", "state_text_en": "Concluded", "state_phrase": "已办结", "at": "2026-06-15 09:00",
}  # fmt: skip


@pytest.fixture
def li(mini):
    phone = mini("li", LI, 2)
    accept(phone, times=2)
    return phone


def say(phone, origin="event:1", **more):
    with transaction() as db:
        saying = messages.Saying(phone.citizen_id, phone.account_id, "case_progress", VALUES, origin, **more)
        return messages.say(db, saying)


def attempt(rows):
    return rows("SELECT state, reason FROM message_attempts ORDER BY id DESC LIMIT 1")[0]


def grants(rows):
    return sorted(row[0] for row in rows("SELECT state FROM message_grants"))


def at_once(rows):
    rows("UPDATE message_attempts SET next_at = now() - interval '1 s', lease_until = lease_until - interval '1 hour'")


def run():
    deliver.notice_lost()
    return deliver.deliver_due()


def test_what_reaches_the_channel(li, town, rows):
    say(li)
    run()
    sent = town.sent[0]
    assert (sent.openid, sent.template_id, sent.page) == ("li", PROGRESS, f"pages/case/detail?id={VALUES['case_id']}")
    assert sent.values == {
        "thing1": "社会保障卡补领", "phrase2": "已办结", "time3": "2026-06-15 09:00",
        "character_string4": "990000202606150001",
    }  # fmt: skip
    assert attempt(rows) == ("accepted_by_channel", "")
    assert rows("SELECT channel_message_id FROM message_attempts") == [(sent.message_id,)]
    assert grants(rows) == ["given", "used"]


def test_the_use_of_the_citizen_s_data_is_on_record(li, rows):
    say(li)
    run()
    noted = rows("SELECT purpose, recipient FROM data_uses WHERE recipient = 'wechat' AND purpose LIKE 'message.%'")
    assert noted == [("message.case_progress", "wechat")]


def test_one_origin_is_said_once(li, town, rows):
    assert say(li) is not None
    assert say(li) is None
    run()
    assert (len(town.sent), rows("SELECT count(*) FROM inbox_entries")[0][0]) == (1, 1)


def test_without_a_grant_nothing_leaves_and_the_inbox_has_it(mini, town, rows):
    phone = mini("wang", LI, 2)
    say(phone)
    run()
    assert attempt(rows) == ("rejected", "no_grant")
    assert (town.calls["send"], rows("SELECT count(*) FROM inbox_entries")[0][0]) == (0, 1)


@pytest.mark.parametrize(
    ("reason", "state", "ledger"),
    [
        ("no_grant", "rejected", ["void", "void"]),
        ("banned", "rejected", ["given", "given"]),
        ("bad_recipient", "rejected", ["given", "given"]),
        ("bad_template", "rejected", ["given", "given"]),
        ("bad_content", "rejected", ["given", "given"]),
        ("page", "rejected", ["given", "given"]),
        ("busy_recipient", "deferred", ["given", "given"]),
        ("quota", "deferred", ["given", "given"]),
    ],
)
def test_each_no_of_the_channel(li, town, rows, reason, state, ledger):
    say(li)
    town.refuses(reason, "43000")
    run()
    assert (attempt(rows), grants(rows)) == ((state, reason), ledger)
    assert rows("SELECT count(*) FROM inbox_entries")[0][0] == 1
    assert not run(), "nothing may be due at once"


def test_a_ban_stops_the_template_for_everybody(li, town, rows):
    say(li)
    say(li, "event:2")
    town.refuses("banned", "43107")
    run()
    assert town.calls["send"] == 1
    assert rows("SELECT DISTINCT reason FROM message_attempts") == [("banned",)]


@pytest.mark.parametrize("trouble", [NotSent("refused"), PlatformBusy("wechat", "send", retry_after_s=9)])
def test_what_did_not_leave_is_sent_later_and_once(li, town, rows, trouble):
    say(li)
    town.trouble["send"] = trouble
    run()
    assert (attempt(rows), grants(rows)) == (("deferred", "not_sent"), ["given", "given"])
    assert not run(), "it must wait"
    town.trouble.clear()
    at_once(rows)
    run()
    assert (attempt(rows)[0], len(town.sent)) == ("accepted_by_channel", 1)


def test_a_wrong_credential_waits_for_a_person(li, town, rows):
    say(li)
    town.trouble["send"] = PlatformMisconfigured("wechat", "send", "40125")
    run()
    assert attempt(rows) == ("deferred", "misconfigured")


def test_a_refused_call_is_final(li, town, rows):
    say(li)
    town.trouble["send"] = PlatformRefused("wechat", "send", "48001")
    run()
    assert attempt(rows) == ("rejected", "refused")
    assert rows("SELECT code FROM message_attempts") == [("48001",)]


@pytest.mark.parametrize("silence", [OutcomeUnknown("read_timeout"), PlatformGarbled("wechat", "send")])
def test_silence_is_unknown_and_never_sent_again(li, town, rows, silence):
    say(li)
    town.after["send"] = silence
    run()
    town.after.clear()
    assert (attempt(rows), grants(rows)) == (("unknown", "no_answer"), ["given", "maybe_used"])
    at_once(rows)
    run()
    assert (len(town.sent), town.calls["send"]) == (1, 1)


def test_an_accepted_message_without_an_id_is_accepted_all_the_same(li, town, rows):
    say(li)
    town.answers.append(SendAnswer(SendState.ACCEPTED, ""))
    run()
    assert attempt(rows) == ("accepted_by_channel", "")


def test_a_message_past_its_day_is_not_pushed(li, town, rows):
    say(li)
    rows("UPDATE messages SET expires_at = now() - interval '1 s'")
    run()
    assert (attempt(rows), town.calls["send"], grants(rows)) == (("expired", "too_late"), 0, ["given", "given"])


def test_a_message_that_cannot_be_opened_does_not_stop_the_next(li, town, rows):
    broken = say(li)
    say(li, "event:2")
    rows("UPDATE messages SET values_sealed = 'v1|x' WHERE id = :id", id=broken)
    run()
    assert len(town.sent) == 1
    assert sorted(rows("SELECT state, reason FROM message_attempts")) == [
        ("accepted_by_channel", ""), ("deferred", "not_prepared")
    ]  # fmt: skip
    assert grants(rows) == ["given", "used"]


def test_one_send_in_flight_for_one_openid(li, town, rows):
    """While one attempt's bytes are out, a second one for the same account waits, whoever works."""
    say(li)
    say(li, "event:2")
    inside, seen = threading.Event(), []

    def during():
        town.during.clear()
        inside.set()
        worker = threading.Thread(target=deliver.deliver_due)
        worker.start()
        worker.join()
        seen.extend(rows("SELECT state, count(*) FROM message_attempts GROUP BY state"))

    rows(
        "UPDATE message_attempts SET next_at = now() + interval '1 h' WHERE id = (SELECT max(id) FROM message_attempts)"
    )
    town.during["send"] = lambda: (rows("UPDATE message_attempts SET next_at = NULL WHERE state = 'queued'"), during())
    run()
    assert sorted(seen) == [("deferred", 1), ("sending", 1)]
    assert attempt(rows) == ("deferred", "busy_recipient")
    at_once(rows)
    run()
    assert len(town.sent) == 2


def test_who_loses_the_race_of_two_intents_waits(li, town, rows, monkeypatch):
    """Both looked, both saw nothing in flight; the unique index lets one through and the other is put back whole."""
    say(li)
    rows("UPDATE message_attempts SET state = 'sending', lease_until = now() + interval '1 h'")
    say(li, "event:2")
    monkeypatch.setattr(
        deliver, "_begin_sending",
        lambda db, held, _account: db.execute(text("UPDATE message_attempts SET state = 'sending' WHERE id = :id"), {"id": held.id}),
    )  # fmt: skip
    run()
    assert (attempt(rows), town.calls["send"]) == (("deferred", "busy_recipient"), 0)
    assert grants(rows) == ["given", "given"]


def test_a_result_that_comes_after_the_lease_ran_out_is_dropped(li, town, rows):
    say(li)
    town.during["send"] = lambda: (at_once(rows), deliver.notice_lost())
    run()
    assert attempt(rows)[0] == "unknown"
    assert grants(rows) == ["given", "maybe_used"]


def test_a_leased_row_of_a_dead_worker_is_taken_over(li, town, rows):
    say(li)
    rows("UPDATE message_attempts SET state = 'leased', n = 1, lease_until = now() - interval '1 s'")
    run()
    assert (attempt(rows)[0], len(town.sent)) == ("accepted_by_channel", 1)


# ---- which road ------------------------------------------------------------------------------------------------------


def test_a_scarce_message_leaves_the_last_grant_alone(li, town, rows):
    rows("UPDATE message_grants SET state = 'used' WHERE id = (SELECT min(id) FROM message_grants)")
    say(li, scarce=True)
    run()
    assert (town.calls["send"], rows("SELECT count(*) FROM inbox_entries")[0][0]) == (0, 1)
    say(li, "event:2")
    run()
    assert town.calls["send"] == 1


def test_a_scarce_message_uses_one_of_many(li, town):
    say(li, scarce=True)
    run()
    assert town.calls["send"] == 1


def test_of_two_phones_the_one_with_a_grant_is_told_and_only_that(mini, town):
    first = mini("li-one", LI, 3)
    second = mini("li-two", LI, 3)
    accept(second)
    say(first)
    run()
    assert [sent.openid for sent in town.sent] == ["li-two"]


def test_of_two_phones_with_grants_the_one_that_filed_is_told(mini, town):
    first = mini("li-one", LI, 3)
    second = mini("li-two", LI, 3)
    accept(first)
    accept(second, times=3)
    say(first)
    run()
    assert [sent.openid for sent in town.sent] == ["li-one"]


def test_an_app_without_a_template_has_the_inbox(li, town, rows):
    rows("UPDATE message_templates SET kind = 'other' WHERE kind = 'case_progress'")
    say(li)
    assert rows("SELECT count(*) FROM message_attempts")[0][0] == 0
    assert rows("SELECT count(*) FROM inbox_entries")[0][0] == 1


def test_a_fault_of_ours_on_the_way_is_unknown_and_does_not_stop_the_next(li, mini, town, rows):
    other = mini("wang", LI, 2)
    accept(other)
    say(li)
    say(other, "event:2")
    town.trouble["send"] = ZeroDivisionError()
    assert run() == 2
    assert rows("SELECT state, reason FROM message_attempts") == [("unknown", "no_answer")] * 2
    assert grants(rows) == ["given", "maybe_used", "maybe_used"]
