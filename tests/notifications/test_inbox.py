"""The inbox over the public API: everything said stands here, to its owner only, sealed at rest."""

import pytest

from app.core.db import transaction
from notifications import messages
from tests.notifications.test_deliver import VALUES, say
from tests.support.citizen_fixtures import run_events
from tests.support.citizen_steps import LI, WANG


def entries(phone, query=""):
    answer = phone.send("GET", f"/v1/me/inbox{query}")
    assert answer.status_code == 200
    return answer.json


@pytest.fixture
def li(mini):
    return mini("li", LI, 2)


def test_an_entry_reads_in_both_languages(li):
    say(li)
    [entry] = entries(li)["items"]
    assert entry["title"] == "办件进度：已办结"
    assert entry["body"] == "您申请的“社会保障卡补领”已办结。点开可查看详情和下一步。（2026-06-15 09:00）"
    assert (entry["about"], entry["page"]) == (VALUES["case_id"], f"pages/case/detail?id={VALUES['case_id']}")
    english = li.send("GET", "/v1/me/inbox", Accept_Language="en").json["items"][0]
    assert english["title"] == "Your case: Concluded"


def test_an_entry_holds_exactly_the_declared_fields(li):
    say(li)
    assert set(entries(li)["items"][0]) == {
        "entry_id", "kind", "title", "body", "about", "page", "created_at", "read_at"
    }  # fmt: skip


def test_reading_counts_down_and_again_changes_nothing(li):
    say(li)
    say(li, "event:2")
    told = entries(li)
    assert told["unread"] == 2
    path = f"/v1/me/inbox/{told['items'][0]['entry_id']}/read"
    first, again = li.send("POST", path), li.send("POST", path)
    assert first.status_code == again.status_code == 200
    assert first.json["read_at"] == again.json["read_at"] is not None
    assert entries(li)["unread"] == 1


def test_pages_newest_first(li):
    for number in range(3):
        say(li, f"event:{number}")
    first = entries(li, "?limit=2")
    rest = entries(li, f"?limit=2&cursor={first['next_cursor']}")
    ids = [entry["entry_id"] for entry in first["items"] + rest["items"]]
    assert (len(ids), ids) == (3, sorted(ids, reverse=True))
    assert rest["next_cursor"] is None


def test_another_s_entry_answers_as_none(li, mini):
    say(li)
    entry_id = entries(li)["items"][0]["entry_id"]
    wang = mini("wang", WANG, 3)
    assert entries(wang) == {"items": [], "next_cursor": None, "unread": 0}
    foreign = wang.send("POST", f"/v1/me/inbox/{entry_id}/read")
    absent = wang.send("POST", "/v1/me/inbox/ib_00000000000000000000000000/read")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json | {"request_id": ""} == absent.json | {"request_id": ""}
    assert entries(li)["unread"] == 1


def test_knowing_li_s_name_and_number_reads_nothing_of_li(mini):
    holder = mini("li", LI, 3)
    say(holder)
    assert entries(mini("stranger", LI, 2))["items"] == []


def test_at_l3_a_second_phone_reads_the_citizen_s(mini):
    holder = mini("li", LI, 3)
    say(holder)
    second = mini("li-two", LI, 2)
    say(second, "event:2")
    second.to_l3(LI)
    run_events()
    assert len(entries(second)["items"]) == 2
    assert len(entries(holder)["items"]) == 2


def test_whose_proof_no_longer_counts_reads_what_concerns_their_own(mini, rows):
    say(mini("li", LI, 3))
    second = mini("li-two", LI, 3)
    say(second, "event:2")
    assert len(entries(second)["items"]) == 2
    rows("UPDATE evidence SET revoked_at = now() WHERE account_id = :account", account=second.account_id)
    second.log_in()
    assert len(entries(second)["items"]) == 1


def test_a_message_for_somebody_who_meanwhile_joined_reaches_them(mini):
    """The event was waiting while the account joined another record of the same person."""
    holder = mini("li", LI, 3)
    second = mini("li-two", LI, 2)
    stub = second.citizen_id
    second.to_l3(LI)
    with transaction() as db:
        saying = messages.Saying(stub, second.account_id, "case_progress", VALUES, "event:late")
        assert messages.say(db, saying)
    assert len(entries(holder)["items"]) == 1


def test_texts_and_values_rest_sealed(li, rows):
    say(li)
    stored = str(rows("SELECT m::text, e::text FROM messages m JOIN inbox_entries e ON e.message_id = m.id"))
    assert "社会保障卡" not in stored
    assert "已办结" not in stored


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?limit=x", "?cursor=%21", "?who=me", "?limit=1&limit=2"])
def test_a_wrong_query_is_refused(li, query):
    assert li.send("GET", f"/v1/me/inbox{query}").status_code in {400, 422}
