"""V7: without a standing, separate consent to the text of today, nothing is asked of any provider."""

import pytest
from sqlalchemy import select

from app.core import db
from app.platforms.base import IdentityClaim
from config.consents import CURRENT
from identity import pii
from identity.models import Citizen
from tests.support.citizen_steps import LI, MINOR

BODIES = {"real_name": {"method": "real_name", "name": LI[0], "id_number": LI[1]}, "face": {"method": "face"}}
CALLS = {"real_name": "two_factor", "face": "face_start"}


@pytest.fixture(params=["real_name", "face"])
def method(request):
    return request.param


def at_the_door(phone, method):
    """A caller who lacks nothing but the consent."""
    caller = phone()
    return caller.to_l2(LI) if method == "face" else caller


def refused(caller, method):
    before = caller.world.calls[CALLS[method]]
    answer = caller.prove(BODIES[method])
    assert (answer.status_code, answer.json["code"]) == (403, "consent_required")
    assert answer.json["purpose"] == method
    assert answer.json["start"]["href"] == "/v1/me/consents"
    assert caller.world.calls[CALLS[method]] == before


def test_without_consent(phone, method):
    refused(at_the_door(phone, method), method)


def test_with_consent_to_something_else(phone, method):
    caller = at_the_door(phone, method)
    for purpose in CURRENT:
        if purpose != method and not (method == "face" and purpose == "real_name"):
            caller.consent(purpose)
    refused(caller, method)


def test_with_consent_to_an_older_text(phone, method, monkeypatch):
    caller = at_the_door(phone, method)
    caller.consent(method)
    monkeypatch.setitem(CURRENT, method, CURRENT[method]._replace(version="2", zh="新的说明"))
    refused(caller, method)


def test_with_withdrawn_consent(phone, method):
    caller = at_the_door(phone, method)
    caller.consent(method)
    caller.send("DELETE", f"/v1/me/consents/{method}")
    refused(caller, method)
    caller.consent(method)
    assert caller.prove(BODIES[method]).status_code == 201


def test_the_consent_stands_on_the_verification(phone, rows):
    phone().to_l3(LI)
    found = rows(
        "SELECT v.method, c.purpose, c.given FROM verifications v JOIN consents c ON c.id = v.consent_id ORDER BY v.id"
    )
    assert found == [("real_name", "real_name", True), ("face", "face", True)]


def test_a_withdrawal_on_the_way_stops_the_next_call(phone, world):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    caller.send("DELETE", "/v1/me/consents/face")
    answer = caller.finish(verification_id).json
    assert (answer["state"], answer["reason"]) == ("failed", "consent_withdrawn")
    assert world.calls["face_query"] == world.calls["face_compare"] == 0


def test_a_withdrawal_between_channel_and_authority_stops_the_transfer(phone, world):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    world.during["face_query"] = lambda: caller.send("DELETE", "/v1/me/consents/face")
    caller.finish(verification_id)
    assert world.calls["face_compare"] == 0
    assert caller.send("GET", f"/v1/me/verifications/{verification_id}").json["state"] == "failed"


def test_under_fourteen_needs_a_guardian_for_real_name(phone, world):
    caller = phone()
    caller.consent("real_name")
    answer = caller.real_name(MINOR)
    assert (answer.status_code, answer.json["code"]) == (403, "guardian_required")
    assert answer.json["methods"][0]["method"] == "counter"
    assert world.calls["two_factor"] == 0


def test_under_fourteen_needs_a_guardian_for_face(phone, world):
    caller = phone().to_l2(LI)
    caller.consent("face")
    with db.transaction() as session:  # however a child's identity came here
        citizen = session.scalars(select(Citizen).where(Citizen.id == caller.citizen_id)).one()
        pii.write(session, citizen, IdentityClaim(*MINOR), "subject-minor")
    answer = caller.prove({"method": "face"})
    assert (answer.status_code, answer.json["code"]) == (403, "guardian_required")
    assert world.calls["face_start"] == 0
