"""The one door: who may knock, what each platform is answered, and that what came in works its way through."""

import time
from urllib.parse import urlencode

import pytest

from app.core import limits
from app.core.errors import Problem
from config.settings import get_settings
from handlers.cases import submit
from notifications import deliver
from tests.support import calling_back, wechat_push
from tests.support.citizen_fixtures import PROGRESS, accept, filed, run_all, run_events
from tests.support.citizen_steps import LI
from tests.support.surroundings import WECHAT_APP_ID


@pytest.fixture
def client(citizen_app, town):
    return citizen_app.test_client()


# ---- the door --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/callbacks/pigeon/events", "/callbacks/province/other", "/callbacks/province/wx0123456789abcdef",
        "/callbacks/wechat/wxffffffffffffffff", "/callbacks/wechat/events", "/callbacks/wechat/",
        "/callbacks/wechat", "/callbacks/", "/callbacks/wechat/wx0123456789abcdef/more", "/callbacks/WECHAT/events",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_platform_or_app_is_not_found(client, rows, path, method):
    assert client.open(path, method=method, data=b"{}").status_code == 404
    assert rows("SELECT count(*) FROM inbound_events")[0][0] == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(client, method):
    assert client.open(calling_back.PROVINCE_PATH, method=method).status_code == 405


def test_a_body_larger_than_any_callback_is_refused_whole(client, rows):
    assert client.post(calling_back.PROVINCE_PATH, data=b"x" * 70_000).status_code == 413
    assert client.post(calling_back.PROVINCE_PATH, data=b"x" * 300_000).status_code == 413
    assert rows("SELECT count(*) FROM inbound_events")[0][0] == 0


def test_a_flood_from_one_address_is_slowed(client, monkeypatch):
    def full(action, subject):
        assert (action, subject) == ("callback_ip", "127.0.0.1")
        raise Problem("too_many_requests", headers={"Retry-After": "1"})

    monkeypatch.setattr(limits, "take", full)
    answer = calling_back.province("N").send(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")


# ---- the URL check ---------------------------------------------------------------------------------------------------


def probe(client, token=None, **changes):
    stamp = str(changes.pop("at_s", None) or int(time.time()))
    secret = token or get_settings().wechat_apps[0].push_token.get_secret_value()
    query = {"signature": wechat_push.sign(secret, stamp, "n1"), "timestamp": stamp, "nonce": "n1", "echostr": "4711"}
    return client.get(f"/callbacks/wechat/{WECHAT_APP_ID}?{urlencode(query | changes)}")


def test_the_echo_of_a_genuine_probe(client):
    answer = probe(client)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"4711", "text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "changes",
    [{"token": "another"}, {"nonce": "n2"}, {"echostr": "<script>"}, {"signature": ""}, {"signature": "签名"},
     {"at_s": 1700000000}],
)  # fmt: skip
def test_a_false_probe_is_refused(client, changes):
    answer = probe(client, **changes)
    assert (answer.status_code, answer.data) == (403, b"refused")


def test_the_province_has_no_probe(client):
    answer = client.get(calling_back.PROVINCE_PATH)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


# ---- and through -----------------------------------------------------------------------------------------------------


def test_a_case_event_is_acknowledged_in_the_province_s_form_and_makes_us_ask(client, mini, town, rows):
    case_id = filed(mini("li", LI, 3))
    submit.submit_next()
    run_all()
    town.advance(case_id, "received", "accepted")
    answer = calling_back.province(town.cases[case_id].case_no, seq=3).send(client)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b'{"code":0}', "application/json")
    assert rows("SELECT state FROM cases") == [("submitted",)], "nothing is processed before the answer"
    run_all()
    assert rows("SELECT state FROM cases") == [("accepted",)]


def test_what_the_event_claims_is_not_believed(client, mini, town, rows):
    case_id = filed(mini("li", LI, 3))
    run_all()
    calling_back.province(town.cases[case_id].case_no, seq=9, to="DONE").send(client)
    run_all()
    assert rows("SELECT state FROM cases") == [("submitted",)]


def test_a_pop_up_event_is_a_grant_and_an_openid_in_the_query_is_no_offence(client, mini):
    li = mini("li", LI, 2)
    answer = calling_back.popup("li", PROGRESS).send(client)
    assert (answer.status_code, answer.data) == (200, b"success")
    run_events()
    items = li.send("GET", "/v1/me/grants").json["items"]
    assert [one["available"] for one in items if one["kind"] == "case_progress"] == [1]


def test_turning_off_takes_grants_away(client, mini):
    li = mini("li", LI, 2)
    accept(li, times=2)
    calling_back.turned_off("li", PROGRESS).send(client)
    run_events()
    items = li.send("GET", "/v1/me/grants").json["items"]
    assert [(one["available"], one["ask"]) for one in items if one["kind"] == "case_progress"] == [(0, False)]


def test_a_receipt_event_settles_the_attempt(client, mini, town, rows):
    li = mini("li", LI, 3)
    accept(li, times=2)
    case_id = filed(li)
    run_all()
    town.advance(case_id, "received", "accepted", "approved", "done")
    calling_back.province(town.cases[case_id].case_no, seq=6).send(client)
    run_all()
    for sent in town.sent:
        assert calling_back.receipt("li", PROGRESS, sent.message_id).send(client).status_code == 200
    run_events()
    assert rows("SELECT DISTINCT state FROM message_attempts") == [("delivered",)]


def test_events_of_somebody_who_never_logged_in_are_taken_and_let_go(client, rows):
    assert calling_back.popup("stranger", PROGRESS).send(client).status_code == 200
    assert calling_back.receipt("stranger", PROGRESS, "1").send(client).status_code == 200
    run_events()
    assert rows("SELECT count(*) FROM message_grants")[0][0] == 0
    assert rows("SELECT DISTINCT state FROM outbox_deliveries WHERE subscriber LIKE 'notifications.%'") == [("done",)]


def test_the_whole_story_of_one_case(client, mini, town):
    """Filed, accepted, concluded: the citizen sees it, a message went out on a grant, the inbox holds it too."""
    li = mini("li", LI, 3)
    accept(li, times=3)
    case_id = filed(li)
    run_all()
    for steps in (("received", "accepted"), ("approved", "done")):
        shown = town.advance(case_id, *steps, result="approved")
        calling_back.province(shown.case_no, seq=shown.seq).send(client)
        run_all()
    detail = li.send("GET", f"/v1/cases/{case_id}").json
    assert (detail["state"], detail["result"]) == ("done", "approved")
    assert [step["to"] for step in detail["track"]] == [
        "queued", "submitted", "received", "accepted", "approved", "done"
    ]  # fmt: skip
    assert [sent.values["phrase2"] for sent in town.sent] == ["待预审", "已受理", "已办结"]
    about = [entry for entry in li.send("GET", "/v1/me/inbox").json["items"] if entry["about"] == case_id]
    assert [entry["title"] for entry in about] == ["办件进度：已办结", "办件进度：已受理", "办件进度：待预审"]
    assert deliver.notice_lost() == 0
