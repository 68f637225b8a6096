"""What happens -> what is said: each state that matters, once an event, worded for the citizen."""

import pytest

from app.core import events
from app.core.db import transaction
from config.cases import STATE_WORDS
from handlers.cases.progress import CHANGED
from notifications import rules
from tests.support.citizen_fixtures import ITEM, ITEM_NAME, run_events
from tests.support.citizen_steps import LI


def happens(phone, to, name=ITEM_NAME):
    data = {
        "case_id": "cs_00000000000000000000000000", "citizen_id": phone.citizen_id, "account_id": phone.account_id,
        "case_no": None, "item_code": ITEM, "item_name": name, "from": "submitted", "to": to,
    }  # fmt: skip
    with transaction() as db:
        events.emit(db, CHANGED, data["case_id"], data)
    run_events()


def test_the_rule_listens_to_the_event_cases_emit():
    assert CHANGED in rules.RULES


def test_every_named_state_exists():
    assert set(rules.CASE_STATES) <= set(STATE_WORDS)


@pytest.mark.parametrize("state", sorted(STATE_WORDS))
def test_a_state_is_told_if_it_is_named(mini, rows, state):
    happens(mini("li", LI, 2), state)
    assert rows("SELECT count(*) FROM inbox_entries")[0][0] == (1 if state in rules.CASE_STATES else 0)


def test_an_event_delivered_twice_is_said_once(mini, rows):
    happens(mini("li", LI, 2), "done")
    rows("UPDATE outbox_deliveries SET state = 'waiting' WHERE subscriber = 'notifications.rules'")
    run_events()
    assert rows("SELECT count(*) FROM messages")[0][0] == 1


def test_an_item_s_name_is_made_printable(mini):
    li = mini("li", LI, 2)
    happens(li, "done", "社会\u202e保障卡")
    assert "“社会保障卡”" in li.send("GET", "/v1/me/inbox").json["items"][0]["body"]
