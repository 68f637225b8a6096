"""The client's identity calls against the stand-in over a real socket; facts: province.md 3.2."""

import time

import pytest

from app.core.errors import OutcomeUnknown, PlatformBusy, PlatformGarbled, PlatformRefused
from app.platforms.base import FaceState, IdentityClaim, Liveness, Match
from app.platforms.province.stand_in import people

ADULT = IdentityClaim("李明", "990101199003070015")
BY_NOTE = {person.twist or person.face: person for person in people.TROUBLED}


def claim(person):
    return IdentityClaim(person.name, person.id_number)


def check(province, who, key="rk-1"):
    return province.two_factor(who, "realname", "co_1", key)


def compare(province, who=ADULT, proof="biz-1", key="vf-1"):
    return province.face_compare(who, Liveness("wechat", proof), "realperson", key)


def until_done(province, ref_id):
    for _ in range(200):
        answer = province.face_check(ref_id)
        if answer.state is not FaceState.PENDING:
            return answer
        time.sleep(0.01)
    raise AssertionError("the check never ended")


def test_a_pair_that_exists_matches_and_names_the_person(province):
    first, again = check(province, ADULT), check(province, ADULT)
    assert first.result is Match.MATCH
    assert first.subject_id == again.subject_id
    assert first.ref_id != again.ref_id


@pytest.mark.parametrize(
    ("who", "result"),
    [
        (IdentityClaim("李鸣", "990101199003070015"), Match.MISMATCH),
        (IdentityClaim("李明", "990101198812120022"), Match.MISMATCH),
        (IdentityClaim("李明", "990199199003070010"), Match.NOT_FOUND),
        (claim(BY_NOTE["deceased"]), Match.NOT_FOUND),
        (claim(BY_NOTE["unsure"]), Match.UNSURE),
    ],
)
def test_no_is_an_answer_and_names_nobody(province, who, result):
    answer = check(province, who)
    assert answer.result is result
    assert answer.subject_id is None


@pytest.mark.parametrize(("twist", "wait_s"), [("50001", 10), ("50301", 30), ("42901", 7)])
def test_trouble_is_later_and_never_an_answer(province, twist, wait_s):
    with pytest.raises(PlatformBusy) as busy:
        check(province, claim(BY_NOTE[twist]))
    assert busy.value.code == twist
    assert busy.value.retry_after_s == wait_s


def test_what_reached_the_province_is_what_the_contract_names(province, stage):
    check(province, ADULT, "rk-77")
    (entry,) = stage.journal("identity.two-factor")
    assert entry["check"] == "ok"
    assert entry["facts"]["fields"] == ["consentId", "idNo", "idType", "name", "purpose"]
    assert entry["facts"]["idempotency_key"] == "rk-77"
    assert entry["facts"]["target"] == "/province/v1/identity/two-factor"


@pytest.mark.parametrize("name", ["阿卜杜拉·买买提", "\U0002cb4e", "\ufa19某", "John Smith"])
def test_a_rare_name_arrives_as_it_was_given(province, name):
    # The crowd's number belongs to whoever says it under a name beginning 测试; a changed name would be no match.
    assert check(province, IdentityClaim("测试" + name, "990190199001010017")).result is Match.MATCH


def test_a_person_of_the_crowd_is_somebody_of_their_own(province):
    first = check(province, IdentityClaim("测试甲", "990190199001010017"))
    assert first.result is Match.MATCH
    assert first.subject_id != check(province, ADULT).subject_id


def test_face_compare_is_pending_first_and_passes_by_our_own_question(province, stage):
    begun = compare(province)
    assert begun.state is FaceState.PENDING
    ended = until_done(province, begun.ref_id)
    assert ended.state is FaceState.PASSED
    assert ended.transaction == "biz-1"
    (event,) = stage.events()
    assert event["type"] == "identity.face"
    assert event["data"]["refId"] == begun.ref_id


@pytest.mark.parametrize(("face", "reason"), [("FAIL", "mismatch"), ("NO_PHOTO", "no_photo")])
def test_a_face_that_does_not_pass_says_why(province, face, reason):
    ended = until_done(province, compare(province, claim(BY_NOTE[face])).ref_id)
    assert (ended.state, ended.reason) == (FaceState.FAILED, reason)


def test_a_face_decided_by_hand_waits_for_the_hand(province, stage):
    begun = compare(province, claim(BY_NOTE["HAND"]))
    assert province.face_check(begun.ref_id).state is FaceState.PENDING
    assert stage.events() == []
    stage.control(f"/sim/v1/province/faces/{begun.ref_id}", {"result": "PASS", "copies": 2, "stale": True})
    events = stage.events()
    assert [event["seq"] for event in events] == [2, 2, 1]
    assert events[0]["eventId"] == events[1]["eventId"] != events[2]["eventId"]
    assert province.face_check(begun.ref_id).state is FaceState.PASSED


def test_the_same_compare_asked_again_is_the_same_check(province, stage):
    assert compare(province).ref_id == compare(province).ref_id
    assert stage.checks("identity.face-compare") == ["ok", "replayed"]


def test_a_proof_shown_twice_is_refused(province):
    compare(province)
    with pytest.raises(PlatformRefused) as refused:
        compare(province, key="vf-2")
    assert refused.value.code == "40901"


def test_one_key_for_two_people_is_refused(province):
    compare(province)
    with pytest.raises(PlatformRefused) as refused:
        compare(province, IdentityClaim("王芳", "990101198812120022"))
    assert refused.value.code == "40902"


def test_a_check_nobody_began(province):
    with pytest.raises(PlatformRefused) as refused:
        province.face_check("fc0000")
    assert refused.value.code == "40401"


@pytest.mark.parametrize(
    "ref_id", ["../../catalog/version", "..", ".", "", "a/b", "a?b", "a#b", "a%2fb", "编号", "a\n"]
)
def test_a_ref_id_that_is_no_segment_is_refused_without_asking(province, stage, ref_id):
    with pytest.raises(PlatformRefused) as refused:
        province.face_check(ref_id)
    assert refused.value.code == "bad_reference"
    assert stage.bench.journal.entries(platform="province") == []


@pytest.mark.parametrize(
    ("kind", "error"),
    [("execute-then-reset", OutcomeUnknown), ("half-body", OutcomeUnknown), ("bad-json", PlatformGarbled)],
)
def test_a_compare_that_got_no_whole_answer_is_unknown_and_asked_again_by_key(province, stage, kind, error):
    stage.fault(kind, "/province/v1/identity/face-compare")
    with pytest.raises(error):
        compare(province)
    assert compare(province).state is FaceState.PENDING
    assert stage.checks("identity.face-compare") == ["ok", "replayed"]


def test_a_ticket_is_asked_for_once_whatever_comes_back(province, stage):
    subject_id = check(province, ADULT).subject_id
    ticket = province.issue_ticket(subject_id, "social-security")
    assert ticket.expires_in_s == 60
    stage.fault("execute-then-reset", "/province/v1/sso/tickets")
    with pytest.raises(OutcomeUnknown):
        province.issue_ticket(subject_id, "social-security")
    assert stage.checks("sso.tickets") == ["ok", "ok"]


def test_a_ticket_request_refused_for_its_clock_is_not_signed_again(province, stage):
    subject_id = check(province, ADULT).subject_id
    stage.control("/sim/v1/clock", {"advance_s": 600})
    with pytest.raises(Exception, match="40102"):
        province.issue_ticket(subject_id, "social-security")
    assert stage.checks("sso.tickets") == ["40102"]


def test_neither_answers_nor_tickets_print_what_they_hold(province):
    answer = check(province, ADULT)
    ticket = province.issue_ticket(answer.subject_id, "social-security")
    assert answer.subject_id not in repr(answer)
    assert ticket.value not in repr(ticket)
