"""One case from filing to receipt over the real wire: the stand-ins on their port, their callbacks at our real door."""

import pytest

from app.core import tasks
from app.platforms import registry
from notifications import templates
from tests.support.citizen_fixtures import (
    ITEM_NAME,
    NOTICE,
    PROGRESS,
    TEMPLATES,
    accept,
    file_case,
    item,
    run_events,
)
from tests.support.citizen_steps import LI, Phone
from tests.support.fake_platforms import FakeWorld

SEND = "/cgi-bin/message/subscribe/send"
JOBS = ("deliver_events", "ask_about_faces", "submit_cases", "resolve_cases", "pull_cases", "deliver_messages")


@pytest.fixture
def rest(sandbox):
    """`rest()` runs every job and lets callbacks arrive, a few times over."""

    def settle():
        for _ in range(4):
            for name in JOBS:
                tasks.JOBS[name].run()
            sandbox.settle()

    return settle


@pytest.fixture
def door(citizen_app, db_clean, sandbox):
    """The stand-ins' callbacks reach our own door."""
    sandbox.call_back(citizen_app)
    return sandbox


@pytest.fixture
def li(citizen_app, door, rest):
    """Li at L3, by the real wire: code, two-factor, face flow, face compare, the authority's callback."""
    made = Phone(citizen_app.test_client(), FakeWorld(), "")
    assert made.log_in(door.control("POST", "wechat/codes", user="adult")["code"]).status_code == 201
    made.to_l2(LI)
    assert made.consent("face").status_code == 201
    started = made.prove({"method": "face"}).json
    door.control("POST", f"wechat/faces/{started['client']['verifyId']}/finish", outcome="pass")
    made.finish(started["verification_id"])
    door.settle()
    rest()
    assert made.me()["level"] == "L3"
    templates.load(TEMPLATES.read_bytes(), actor="test")
    return made


@pytest.fixture
def code(li):
    """The item's code in the province's own catalogue, told to us."""
    version = registry.province().catalogue_version()
    row = next(row for row in registry.province().list_items(version, None, 500).rows if row["name"] == ITEM_NAME)
    item(row["code"], name=row["name"], version=row["version"], min_level=row["min_level"])
    run_events()
    return row["code"]


def pop_up(door, phone, template, times=1):
    for _ in range(times):
        door.control("POST", "wechat/subscribe", user="adult", answers={template: "accept"})
        accept(phone, template)


def test_from_filing_to_the_receipt(li, code, door, rest, rows):
    pop_up(door, li, PROGRESS, times=3)
    case_id = file_case(li, code).json["case_id"]
    rest()
    case_no = li.send("GET", f"/v1/cases/{case_id}").json["case_no"]
    for to in ("ACCEPTED", "DONE"):
        door.control("POST", f"cases/{case_no}/advance", to=to, result="APPROVED", copies=3)
        rest()
    shown = li.send("GET", f"/v1/cases/{case_id}").json
    assert (shown["state"], shown["result"]) == ("done", "approved")
    assert [step["to"] for step in shown["track"]] == [
        "queued", "submitted", "pre_passed", "received", "accepted", "approved", "done"
    ]  # fmt: skip
    taken = [entry for entry in door.journal(SEND) if entry["check"] == "ok"]
    assert len(taken) == len(rows("SELECT id FROM message_attempts WHERE state = 'delivered'")) == 3
    assert rows("SELECT DISTINCT state FROM message_attempts") == [("delivered",)]
    about = [entry for entry in li.send("GET", "/v1/me/inbox").json["items"] if entry["about"] == case_id]
    assert len(about) == 3
    assert door.count("cases.submit") == 1


def test_a_submission_executed_and_then_reset_is_one_case(li, code, door, rest, rows):
    door.fault("execute-then-reset", "*/cases", count=1)
    case_id = file_case(li, code).json["case_id"]
    rest()
    assert rows("SELECT state FROM cases") == [("unknown",)]
    rows("UPDATE case_submissions SET next_at = now() WHERE state = 'unknown'")
    rest()
    assert li.send("GET", f"/v1/cases/{case_id}").json["state"] == "submitted"
    assert door.count("cases.submit") == 1


def test_a_send_executed_and_then_reset_stays_unknown_until_its_receipt(li, code, door, rest, rows):
    pop_up(door, li, PROGRESS, times=2)
    door.fault("execute-then-reset", f"*{SEND}", count=1)
    file_case(li, code)
    rest()
    assert rows("SELECT state FROM message_attempts") == [("delivered",)], "the receipt is the only word there is"
    assert door.count(SEND) == 1


def test_without_a_grant_wechat_is_not_asked_and_the_inbox_holds_it(li, code, door, rest):
    file_case(li, code)
    rest()
    assert door.count(SEND) == 0
    assert len(li.send("GET", "/v1/me/inbox").json["items"]) == 1


def test_a_grant_the_client_invented_is_found_out_by_wechat(li, code, door, rest, rows):
    accept(li, PROGRESS, times=3)
    file_case(li, code)
    rest()
    assert rows("SELECT state, reason, code FROM message_attempts") == [("rejected", "no_grant", "43101")]
    assert rows("SELECT DISTINCT state FROM message_grants") == [("void",)]
    assert next(one["ask"] for one in li.send("GET", "/v1/me/grants").json["items"] if one["kind"] == "case_progress")


def test_turning_off_in_wechat_ends_a_standing_grant(li, door, rest):
    pop_up(door, li, NOTICE)
    rest()
    assert [one["standing"] for one in li.send("GET", "/v1/me/grants").json["items"]] == [False, True]
    door.control("POST", "wechat/unsubscribe", user="adult", template_id=NOTICE)
    rest()
    assert [one["standing"] for one in li.send("GET", "/v1/me/grants").json["items"]] == [False, False]
