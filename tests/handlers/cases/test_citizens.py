"""Filing and following over the public API: who may, what is refused, who sees what."""

import pytest

from app.core.db import transaction
from handlers.cases import cases
from handlers.cases.models import Case
from tests.support.citizen_fixtures import ITEM, ITEM_NAME, REGION, code_of, file_case, filed, item, run_all, run_events
from tests.support.citizen_steps import LI, WANG, unique


def test_filing_gives_a_case_that_can_be_followed(mini, town):
    li = mini("li", LI, 3)
    answer = file_case(li)
    assert answer.status_code == 201
    body = answer.json
    assert (body["state"], body["case_no"], body["item_name"]) == ("queued", None, ITEM_NAME)
    run_all()
    shown = li.send("GET", f"/v1/cases/{body['case_id']}").json
    assert (shown["state"], shown["state_text"]) == ("submitted", "已提交，待预审")
    assert shown["case_no"] == town.cases[body["case_id"]].case_no
    assert [(step["from"], step["to"]) for step in shown["track"]] == [("", "queued"), ("draft", "submitted")]


def test_answers_hold_exactly_the_declared_fields(mini):
    li = mini("li", LI, 3)
    shown = li.send("GET", f"/v1/cases/{filed(li)}").json
    assert set(shown) == {
        "case_id", "item_code", "item_version", "item_name", "accept_region", "state", "state_text", "case_no",
        "result", "filed_at", "updated_at", "track",
    }  # fmt: skip


def test_the_same_key_files_once(mini, rows):
    li, key = mini("li", LI, 3), unique("key")
    first, again = file_case(li, key=key), file_case(li, key=key)
    assert (first.json, again.headers["Idempotent-Replay"]) == (again.json, "true")
    assert rows("SELECT count(*) FROM cases")[0][0] == 1


def test_the_same_key_with_another_form_is_refused(mini):
    li, key = mini("li", LI, 3), unique("key")
    file_case(li, key=key)
    answer = file_case(li, key=key, form={"reason": "DAMAGED"})
    assert (answer.status_code, code_of(answer)) == (422, "idempotency_key_reused")


def test_a_key_is_required(mini):
    body = {"item_code": ITEM, "accept_region": REGION, "form": {}}
    answer = mini("li", LI, 3).send("POST", "/v1/cases", body)
    assert (answer.status_code, code_of(answer)) == (400, "idempotency_key_required")


@pytest.mark.parametrize(("level", "have"), [(1, "L1"), (2, "L2")])
def test_too_low_a_level_says_what_is_needed_and_how(mini, rows, level, have):
    answer = file_case(mini("li", LI, level))
    assert (answer.status_code, code_of(answer)) == (403, "assurance_too_low")
    assert (answer.json["need"]["level"], answer.json["have"]) == ("L3", have)
    assert "face" in {way["method"] for way in answer.json["methods"]}
    assert rows("SELECT count(*) FROM cases")[0][0] == 0


def test_an_l2_item_is_open_at_l2(mini):
    assert file_case(mini("li", LI, 2), "99-l2").status_code == 201


def test_an_item_without_a_level_still_needs_somebody(mini):
    item("99-l0", min_level="L0")
    run_events()
    answer = file_case(mini("guest"), "99-l0")
    assert (answer.status_code, answer.json["need"]["level"]) == (403, "L2")


def test_an_unknown_item_is_a_wrong_field(mini):
    answer = file_case(mini("li", LI, 3), "99-nobody")
    assert (answer.status_code, answer.json["errors"]) == (422, [{"field": "item_code", "code": "choice"}])


def test_a_suspended_item_is_closed(mini):
    item(ITEM, status="SUSPENDED")
    run_events()
    answer = file_case(mini("li", LI, 3))
    assert (answer.status_code, code_of(answer)) == (409, "item_not_open")


def test_old_news_of_an_item_changes_nothing(mini, rows):
    item(ITEM, min_level="L2", version="4")
    run_events()
    rows("UPDATE case_items SET updated_at = now() + interval '1 hour' WHERE code = :code", code=ITEM)
    item(ITEM, min_level="L1", version="1")
    run_events()
    assert rows("SELECT version, min_level FROM case_items WHERE code = :code", code=ITEM) == [("4", 2)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"form": {"reason": {"nested": 1}}}, "form.reason.value"),
        ({"form": {"reason": 1.5}}, "form.reason.value"),
        ({"form": {"reason": "x" * 2001}}, "form.reason.value"),
        ({"form": {"reason": [1]}}, "form.reason.value"),
        ({"form": {"reason": ["x"] * 51}}, "form.reason.value"),
        ({"form": {"bad key": "x"}}, "form.bad key.key"),
        ({"form": {f"k{number}": "x" for number in range(65)}}, "form"),
        ({"form": None}, "form"),
        ({"form": []}, "form"),
        ({"accept_region": "99"}, "accept_region"),
        ({"accept_region": "９９００００００００００"}, "accept_region"),
        ({"accept_region": "990000000000\n"}, "accept_region"),
        ({"item_code": ""}, "item_code"),
        ({"item_code": 7}, "item_code"),
        ({"state": "done"}, "state"),
        ({"citizen_id": "cz_00000000000000000000000000"}, "citizen_id"),
        ({"case_no": "1"}, "case_no"),
    ],
)
def test_wrong_input_names_its_field(mini, rows, body, field):
    answer = file_case(mini("li", LI, 3), **body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert rows("SELECT count(*) FROM cases")[0][0] == 0


@pytest.mark.parametrize("value", ["x", 7, True, None, ["a", "b"], []])
def test_every_kind_of_answer_arrives_as_it_was(mini, town, value):
    li = mini("li", LI, 3)
    assert file_case(li, form={"reason": value}).status_code == 201
    run_all()
    assert town.filed[0].form == {"reason": value}


def test_the_form_rests_sealed(mini, rows):
    file_case(mini("li", LI, 3), form={"reason": "canary-7Q"})
    stored = rows("SELECT c::text FROM cases c")[0][0] + rows("SELECT o::text FROM outbox_events o")[0][0]
    assert "canary-7Q" not in stored


def test_a_form_opens_only_in_its_own_row(mini):
    li = mini("li", LI, 3)
    one, other = filed(li), filed(li)
    with transaction() as db:
        row, foreign = db.get_one(Case, one), db.get_one(Case, other)
        assert cases.form_of(row) == {"reason": "LOST"}
        row.form_sealed = foreign.form_sealed
        with pytest.raises(Exception, match=r"^$"):
            cases.form_of(row)
        db.rollback()


# ---- who sees what ---------------------------------------------------------------------------------------------------


def test_another_s_case_answers_as_none(mini):
    case_id = filed(mini("li", LI, 3))
    wang = mini("wang", WANG, 3)
    foreign = wang.send("GET", f"/v1/cases/{case_id}")
    absent = wang.send("GET", "/v1/cases/cs_00000000000000000000000000")
    nonsense = wang.send("GET", "/v1/cases/nonsense")
    for answer in (foreign, absent, nonsense):
        assert answer.status_code == 404
    assert {frozenset((answer.json | {"request_id": ""}).items()) for answer in (foreign, absent, nonsense)} == {
        frozenset((absent.json | {"request_id": ""}).items())
    }
    assert wang.send("GET", "/v1/cases").json["items"] == []


def test_knowing_li_s_name_and_number_shows_nothing_of_li(mini):
    case_id = filed(mini("li", LI, 3))
    stranger = mini("stranger", LI, 2)
    assert stranger.send("GET", f"/v1/cases/{case_id}").status_code == 404
    assert stranger.send("GET", "/v1/cases").json["items"] == []


def test_below_l3_one_sees_what_one_filed(mini):
    zhao = mini("zhao", LI, 2)
    case_id = filed(zhao, "99-l2")
    assert [case["case_id"] for case in zhao.send("GET", "/v1/cases").json["items"]] == [case_id]
    assert zhao.send("GET", f"/v1/cases/{case_id}").status_code == 200


def test_at_l3_a_second_phone_sees_the_citizen_s_cases(mini):
    first = mini("li-one", LI, 3)
    case_id = filed(first)
    second = mini("li-two", LI, 2)
    own = filed(second, "99-l2")
    assert [case["case_id"] for case in second.send("GET", "/v1/cases").json["items"]] == [own]
    second.to_l3(LI)
    run_events()
    assert {case["case_id"] for case in second.send("GET", "/v1/cases").json["items"]} == {case_id, own}
    assert {case["case_id"] for case in first.send("GET", "/v1/cases").json["items"]} == {case_id, own}
    assert first.send("GET", f"/v1/cases/{own}").status_code == 200


def test_whose_proof_no_longer_counts_sees_what_they_filed(mini, rows):
    """The account stays joined to the citizen; what it may see follows what it can prove today."""
    case_id = filed(mini("li-one", LI, 3))
    second = mini("li-two", LI, 3)
    own = filed(second)
    assert second.send("GET", f"/v1/cases/{case_id}").status_code == 200
    rows("UPDATE evidence SET revoked_at = now() WHERE account_id = :account", account=second.account_id)
    second.log_in()
    assert [case["case_id"] for case in second.send("GET", "/v1/cases").json["items"]] == [own]
    assert second.send("GET", f"/v1/cases/{case_id}").status_code == 404


def test_the_list_pages(mini):
    li = mini("li", LI, 3)
    ids = [filed(li) for _ in range(3)]
    first = li.send("GET", "/v1/cases?limit=2").json
    rest = li.send("GET", f"/v1/cases?limit=2&cursor={first['next_cursor']}").json
    assert [case["case_id"] for case in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None


def test_english_on_request(mini):
    li = mini("li", LI, 3)
    shown = li.send("GET", f"/v1/cases/{filed(li)}", Accept_Language="en").json
    assert shown["state_text"] == "Being submitted"


def test_without_a_session_there_is_nothing(citizen_app):
    answer = citizen_app.test_client().get("/v1/cases", headers={"X-App": "wechat/wx0123456789abcdef"})
    assert answer.status_code == 401
