"""Cases against the stand-in; facts: province.md 1.4 and 3.4."""

import pytest

from app.core.errors import OutcomeUnknown, PlatformGarbled, PlatformRefused
from app.platforms.base import CaseSubmission, IdentityClaim
from app.platforms.province import client
from app.platforms.province.client import Told

CARD = "11990000MB0000001M2992014012001"


@pytest.fixture
def subject(province):
    return province.two_factor(IdentityClaim("李明", "990101199003070015"), "realname", "co_1", "rk").subject_id


def submission(subject, case_id="cs_1", **change):
    values = {
        "case_id": case_id,
        "item_code": CARD,
        "item_version": "3",
        "subject_id": subject,
        "form": {"reason": "LOST"},
        "accept_region": "990101000000",
        "channel": "wechat",
    }
    return CaseSubmission(**(values | change))


def advance(stage, case_no, to, status=200, **more):
    return stage.control(f"/sim/v1/cases/{case_no}/advance", {"to": to, **more}, status)


def test_a_case_is_filed_and_its_first_step_is_shown(province, subject, stage):
    filed = province.submit_case(submission(subject))
    assert (filed.state, filed.seq, filed.result) == ("submitted", 1, "")
    assert [(step["from"], step["to"]) for step in filed.track] == [("draft", "submitted")]
    assert province.get_case(filed.case_no) == filed
    (entry,) = stage.journal("cases.submit")
    assert entry["facts"]["idempotency_key"] == "cs_1"
    assert (entry["facts"]["channel"], entry["facts"]["region"]) == ("wechat", "990101000000")


def test_the_same_submission_twice_is_one_case(province, subject, stage):
    first, again = (province.submit_case(submission(subject)) for _ in range(2))
    assert first.case_no == again.case_no
    assert len(stage.control("/sim/v1/province/state")["cases"]) == 1


def test_the_same_key_with_another_form_is_refused(province, subject):
    province.submit_case(submission(subject))
    with pytest.raises(PlatformRefused) as refused:
        province.submit_case(submission(subject, form={"reason": "DAMAGED"}))
    assert refused.value.code == "40902"


@pytest.mark.parametrize("kind", ["execute-then-reset", "half-body"])
def test_a_submission_without_answer_is_found_by_its_key(province, subject, stage, kind):
    stage.fault(kind, "/province/v1/cases")
    with pytest.raises(OutcomeUnknown):
        province.submit_case(submission(subject))
    found = province.find_case_by_key("cs_1")
    assert found is not None
    assert found.state == "submitted"
    assert stage.checks("cases.submit") == ["ok"]


def test_a_key_nobody_used_finds_nothing(province):
    assert province.find_case_by_key("cs_none") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"item_code": "no-such-item"}, "40001"),
        ({"item_version": "2"}, "40901"),
        ({"subject_id": "sj-nobody"}, "40401"),
        ({"accept_region": "110000000000"}, "40001"),
    ],
)
def test_a_submission_the_province_refuses(province, subject, change, code):
    with pytest.raises(PlatformRefused) as refused:
        province.submit_case(submission(subject, **change))
    assert refused.value.code == code


def test_the_way_to_the_end_is_told_step_by_step(province, subject, stage):
    case_no = province.submit_case(submission(subject)).case_no
    advance(stage, case_no, "ACCEPTED")
    advance(stage, case_no, "DONE", note="请到窗口领取")
    shown = province.get_case(case_no)
    assert (shown.state, shown.result, shown.seq) == ("done", "approved", 6)
    assert [step["to"] for step in shown.track] == [
        "submitted",
        "pre_passed",
        "received",
        "accepted",
        "approved",
        "done",
    ]
    assert shown.track[-1]["note"] == "请到窗口领取"
    events = stage.events()
    assert sorted(event["seq"] for event in events) == [2, 3, 4, 5, 6]
    assert {event["caseNo"] for event in events} == {case_no}


@pytest.mark.parametrize(
    ("road", "to"),
    [([], "APPROVED_TWICE"), (["DONE"], "ACCEPTED"), (["WITHDRAWN"], "DONE"), (["ACCEPTED"], "RECEIVED")],
)
def test_moves_the_state_machine_does_not_know(province, subject, stage, road, to):
    case_no = province.submit_case(submission(subject)).case_no
    for state in road:
        advance(stage, case_no, state)
    before = province.get_case(case_no)
    advance(stage, case_no, to, status=409)
    assert province.get_case(case_no) == before


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        {"caseNo": "", "state": "DONE", "seq": 1, "updatedAt": 0},
        {"caseNo": "1", "state": "MAYBE", "seq": 1, "updatedAt": 0},
        {"caseNo": "1", "state": "done", "seq": 1, "updatedAt": 0},
        {"caseNo": "1", "state": "DONE", "seq": "1", "updatedAt": 0},
        {"caseNo": "1", "state": "DONE", "seq": True, "updatedAt": 0},
        {"caseNo": "1", "state": "DONE", "seq": -1, "updatedAt": 0},
        {"caseNo": "1", "state": "DONE", "seq": 1},
        {"caseNo": "1", "state": "DONE", "seq": 1, "updatedAt": 2**63 - 1},
        {"caseNo": "1", "state": "DONE", "seq": 1, "updatedAt": 0, "track": {}},
        {"caseNo": "1", "state": "DONE", "seq": 1, "updatedAt": 0, "track": [{"at": 0, "from": "?", "to": "DONE"}]},
    ],
)
def test_a_case_we_cannot_read_is_garbled(province, monkeypatch, data):
    monkeypatch.setattr(client, "ask", lambda _call: Told(data))
    with pytest.raises(PlatformGarbled):
        province.get_case("1")


def test_two_cases_under_one_key_are_garbled(province, monkeypatch):
    monkeypatch.setattr(client, "ask", lambda _call: Told([{}, {}]))
    with pytest.raises(PlatformGarbled):
        province.find_case_by_key("cs_1")
