"""The grant ledger: an accept told twice counts once, a no from the channel wins, and nobody is pestered."""

import itertools
import threading

import pytest

from app.core import clock, inbound
from app.core.db import transaction
from app.core.events import Event
from notifications import grants
from tests.support.citizen_fixtures import NOTICE, PROGRESS, accept, code_of
from tests.support.citizen_steps import unique
from tests.support.surroundings import WECHAT_APP_ID


@pytest.fixture
def li(mini):
    return mini("li")


@pytest.fixture
def templates(rows):
    return {row[1]: row[0] for row in rows("SELECT id, platform_template_id FROM message_templates")}


def confirm(phone, template, answer="accept"):
    """The platform's own event about the pop-up."""
    with transaction() as db:
        row = db.get_one(grants.Template, template)
        grants._answered(db, phone.account_id, row, answer, "confirmed_at")


def left(phone, template=PROGRESS):
    items = phone.send("GET", "/v1/me/grants").json["items"]
    return next(
        (one["available"], one["standing"], one["ask"]) for one in items if one["platform_template_id"] == template
    )


def test_before_anything_everything_is_asked_for_in_one_pop_up(li):
    told = li.send("GET", "/v1/me/grants").json
    assert {one["platform_template_id"]: one["ask"] for one in told["items"]} == {PROGRESS: True, NOTICE: True}
    assert told["ask"] == [NOTICE], "one-time and long-term ids never stand in one pop-up"


def test_each_accept_is_one_send(li):
    assert next(one["available"] for one in accept(li, times=3)["items"] if one["kind"] == "case_progress") == 3
    assert left(li) == (3, False, False)


def test_a_long_term_accept_stands(li):
    accept(li, NOTICE, times=2)
    assert left(li, NOTICE) == (0, True, False)
    assert li.send("GET", "/v1/me/grants").json["ask"] == [PROGRESS]


@pytest.mark.parametrize("order", ["reported first", "confirmed first", "alternating"])
def test_an_accept_told_twice_counts_once(li, templates, order):
    steps = {
        "reported first": ["r", "r", "c", "c"], "confirmed first": ["c", "c", "r", "r"],
        "alternating": ["r", "c", "c", "r"],
    }[order]  # fmt: skip
    for step in steps:
        accept(li) if step == "r" else confirm(li, templates[PROGRESS])
    assert left(li)[0] == 2


def test_both_sights_at_the_same_moment_count_once(li, templates, rows):
    for _ in range(5):
        rows("DELETE FROM message_grants")
        ready = threading.Barrier(2)

        def sight(name, ready=ready):
            ready.wait()
            with transaction() as db:
                row = db.get_one(grants.Template, templates[PROGRESS])
                grants._answered(db, li.account_id, row, "accept", name)

        workers = [threading.Thread(target=sight, args=(name,)) for name in ("reported_at", "confirmed_at")]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert rows("SELECT count(*) FROM message_grants")[0][0] == 1


def test_an_old_report_is_another_accept(li, templates, rows):
    accept(li)
    rows("UPDATE message_grants SET reported_at = reported_at - interval '11 minutes'")
    confirm(li, templates[PROGRESS])
    assert left(li)[0] == 2


def test_a_report_already_spent_is_not_given_back_by_its_event(li, templates, rows):
    accept(li)
    rows("UPDATE message_grants SET state = 'used'")
    confirm(li, templates[PROGRESS])
    assert left(li)[0] == 0


def test_reports_nobody_confirms_are_capped(li, rows):
    rows(
        "INSERT INTO message_grants (id, tenant_id, account_id, template_id, state, reported_at, reason, created_at,"
        " updated_at) SELECT 'gr_' || n, 'province', :account, (SELECT id FROM message_templates WHERE"
        " platform_template_id = :template), 'given', now(), '', now(), now() FROM generate_series(1, 20) n",
        account=li.account_id, template=PROGRESS,
    )  # fmt: skip
    accept(li)
    assert left(li)[0] == 20


def test_a_rejection_rests_for_a_week_and_keeps_what_was_given(li, rows):
    accept(li)
    accept(li, answer="reject")
    rows("UPDATE message_grants SET state = 'used'")
    assert left(li) == (0, False, False)
    rows("UPDATE message_stances SET at = at - interval '8 days'")
    assert left(li) == (0, False, True)


def test_turning_off_voids_everything_and_is_not_asked_again(li, templates, rows):
    accept(li, times=2)
    confirm(li, templates[PROGRESS], "off")
    rows("UPDATE message_stances SET at = at - interval '80 days'")
    assert left(li) == (0, False, False)
    accept(li)
    assert left(li)[0] == 1


def test_a_ban_is_not_asked_for(li):
    accept(li, answer="ban")
    assert left(li) == (0, False, False)


def test_filter_says_nothing(li):
    accept(li, answer="filter")
    assert left(li) == (0, False, True)


def test_an_overview_speaks_of_the_caller_alone(li, mini):
    accept(li, times=2)
    assert left(mini("wang"))[0] == 0


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"TPL_OF_SOMEBODY_ELSE": "accept"}, "answers.TPL_OF_SOMEBODY_ELSE"),
        ({PROGRESS: "yes"}, f"answers.{PROGRESS}.value"),
        ({PROGRESS: 1}, f"answers.{PROGRESS}.value"),
        ({"bad id!": "accept"}, "answers.bad id!.key"),
        ({}, "answers"),
        ({f"T{number}": "accept" for number in range(6)}, "answers"),
    ],
)
def test_a_wrong_report_names_its_field_and_counts_nothing(li, rows, answers, field):
    answer = li.send("POST", "/v1/me/grants", {"answers": answers}, Idempotency_Key=unique("grant"))
    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, [field])
    assert rows("SELECT count(*) FROM message_grants")[0][0] == 0


def test_a_repeated_report_counts_once(li):
    key = unique("grant")
    for _ in range(2):
        li.send("POST", "/v1/me/grants", {"answers": {PROGRESS: "accept"}}, Idempotency_Key=key)
    assert left(li)[0] == 1


def test_a_report_needs_a_key(li):
    answer = li.send("POST", "/v1/me/grants", {"answers": {PROGRESS: "accept"}})
    assert (answer.status_code, code_of(answer)) == (400, "idempotency_key_required")


def test_takers_never_share_a_grant(li, templates):
    accept(li, times=3)
    taken = []

    def take(number):
        with transaction() as db:
            taken.append(grants.take(db, li.account_id, templates[PROGRESS], f"at_{number}"))

    workers = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(taken) == [False] * 5 + [True] * 3


def test_both_sights_of_one_pop_up_lock_its_templates_in_one_order(li, monkeypatch):
    """The report and the event come at once; in different orders each would wait for the other's lock."""
    order = []
    monkeypatch.setattr(grants, "_one_at_a_time", lambda _db, _account, template: order.append(template))
    answers = {PROGRESS: "accept", NOTICE: "accept"}
    li.send("POST", "/v1/me/grants", {"answers": answers}, Idempotency_Key=unique("grant"))
    for names in itertools.permutations(answers):
        items = [{"template_id": name, "answer": "accept", "source": "popup"} for name in names]
        monkeypatch.setattr(inbound, "read", lambda _db, _id, items=items: {"openid": li.openid, "items": items})
        told = {"platform": "wechat", "app_id": WECHAT_APP_ID}
        with transaction() as db:
            grants.on_event(db, Event("ev_1", "callback.grants", "province", "in_1", told, clock.now()))
    assert len(order) == 6
    assert order[:2] == order[2:4] == order[4:]
