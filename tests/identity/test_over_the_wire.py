"""Identity over the real wire: the stand-ins on their port, their signed callbacks at our own door."""

import pytest

from app import factory
from app.core import events
from identity import tasks
from tests.support.citizen_steps import LI, WANG, Phone
from tests.support.fake_platforms import FakeWorld

DECEASED = ("周福根", "990101193802110012")
UNSURE = ("吴可疑", "990101197506060012")
NOT_ALIKE = ("孙不像", "990101198401010013")
NO_PHOTO = ("沈无照", "990101198501010010")
BY_HAND = ("韩手动", "990101198601010034")
BROKEN = (("冯故障", "99010119810101002X"), ("钱维护", "990101198201010019"), ("蒋频繁", "990101198301010032"))


@pytest.fixture(scope="module")
def wired_app():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "ROOMS", ("identity", "handlers.callbacks"))
        return factory.create_app()  # not a yield: the list of rooms must be whole again for the next app


@pytest.fixture
def wire(wired_app, db_clean, sandbox):
    """The stand-ins' callbacks reach our door; `sandbox.settle()` waits for them."""
    sandbox.call_back(wired_app)
    return sandbox


@pytest.fixture
def caller(wired_app, wire):
    made = Phone(wired_app.test_client(), FakeWorld(), "")
    assert made.log_in(wire.control("POST", "wechat/codes", user="adult")["code"]).status_code == 201
    return made


def rest(wire):
    wire.settle()
    while events.deliver_due():
        pass
    tasks.ask_about_faces()


def through_the_camera(caller, wire, outcome="pass"):
    """Consent, start, the client's part, and the hand-over to the authority."""
    assert caller.consent("face").status_code == 201
    started = caller.prove({"method": "face"})
    assert started.status_code == 201, started.json
    wire.control("POST", f"wechat/faces/{started.json['client']['verifyId']}/finish", outcome=outcome)
    caller.finish(started.json["verification_id"])
    return started.json["verification_id"]


def shown(caller, verification_id):
    return caller.send("GET", f"/v1/me/verifications/{verification_id}").json


def test_a_code_is_taken_once_by_us_and_by_the_channel(caller, wire, wired_app):
    code = wire.control("POST", "wechat/codes", user="other")["code"]
    other = Phone(wired_app.test_client(), FakeWorld(), "")
    before = wire.count("/sns/jscode2session")
    assert other.log_in(code).status_code == 201
    assert other.log_in(code).json["code"] == "code_refused"
    assert wire.count("/sns/jscode2session") == before + 1
    assert other.log_in("never-a-code").json["code"] == "code_refused"


def test_every_no_of_the_authority_is_one_answer(caller):
    caller.consent("real_name")
    bodies = set()
    for person in (("李错", LI[1]), (LI[0], WANG[1]), ("无人", "990101199012310014"), DECEASED, UNSURE):
        answer = caller.real_name(person)
        if answer.json["code"] == "invalid_fields":
            continue
        body = answer.json
        del body["request_id"]
        bodies.add((answer.status_code, str(body)))
    assert len(bodies) == 1
    assert next(iter(bodies))[0] == 422


@pytest.mark.parametrize("person", BROKEN)
def test_a_broken_authority_is_an_outage(caller, person):
    caller.consent("real_name")
    answer = caller.real_name(person)
    assert (answer.status_code, answer.json["code"]) == (503, "verification_unavailable")
    assert caller.me()["level"] == "L1"


@pytest.mark.parametrize(("copies", "stale"), [(1, False), (2, True), (5, True)])
def test_l3_exactly_once_however_the_callbacks_come(caller, wire, copies, stale, rows):
    wire.control("POST", "province/script", face_copies=copies, face_stale=stale)
    caller.to_l2(LI)
    verification_id = through_the_camera(caller, wire)
    rest(wire)
    assert shown(caller, verification_id)["state"] == "consumed"
    assert caller.me()["level"] == "L3"
    assert rows("SELECT count(*) FROM evidence WHERE level = 3") == [(1,)]
    assert wire.count("identity.face-compare") == 1
    assert rows("SELECT count(*) FROM inbound_events") == [(2 if stale else 1,)]


@pytest.mark.parametrize(("person", "reason"), [(NOT_ALIKE, "mismatch"), (NO_PHOTO, "no_photo")])
def test_the_authority_says_no(caller, wire, person, reason):
    caller.to_l2(person)
    verification_id = through_the_camera(caller, wire)
    rest(wire)
    answer = shown(caller, verification_id)
    assert (answer["state"], answer["reason"]) == ("failed", reason)
    assert caller.me()["level"] == "L2"


def test_pending_stays_pending_until_somebody_decides(caller, wire):
    caller.to_l2(BY_HAND)
    verification_id = through_the_camera(caller, wire)
    rest(wire)
    assert shown(caller, verification_id)["state"] == "pending"
    ref_id = wire.control("GET", "province/state")["faces"][-1]["ref_id"]
    wire.control("POST", f"province/faces/{ref_id}", result="PASS")
    rest(wire)
    assert shown(caller, verification_id)["state"] == "consumed"


@pytest.mark.parametrize("outcome", ["face_mismatch", "cancel", "mismatch"])
def test_the_channel_says_no(caller, wire, outcome):
    caller.to_l2(LI)
    verification_id = through_the_camera(caller, wire, outcome)
    assert shown(caller, verification_id)["state"] == "failed"
    assert wire.count("identity.face-compare") == 0


def test_a_client_that_says_done_too_early_is_still_pending(caller, wire):
    caller.to_l2(LI)
    caller.consent("face")
    started = caller.prove({"method": "face"}).json
    assert caller.finish(started["verification_id"]).json["state"] == "pending"
    assert wire.count("identity.face-compare") == 0


def test_a_forged_callback_is_refused_and_changes_nothing(caller, wire, rows):
    answers, receive = [], wire.receiver

    def watch(push):
        kept_before = rows("SELECT count(*) FROM inbound_events")
        answer = receive(push)
        answers.append((answer[0], kept_before, rows("SELECT count(*) FROM inbound_events")))
        return 200, b'{"code":0}'  # the sender is told yes, so that it does not repeat itself rightly signed

    wire.receiver = watch
    wire.fault("wrong-sign", "push/province/*")
    caller.to_l2(LI)
    verification_id = through_the_camera(caller, wire)
    wire.settle()
    assert answers == [(403, [(0,)], [(0,)])]
    assert shown(caller, verification_id)["state"] == "pending"
    assert caller.finish(verification_id).json["state"] == "consumed"  # asking needs no callback
