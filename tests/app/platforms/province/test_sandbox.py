"""The stand-in as an outside system: its door refuses with its own code, its services count, its controls and page work."""

import json
import secrets

import pytest

from app.platforms.province.stand_in.signing import tif_signature
from config.settings import get_settings
from tests.support import wait

SERVICE = "/ebus/social-security/card"


def signed(stage, **change):
    settings = get_settings()
    stamp = str(int(stage.bench.now()) + change.get("skew", 0))
    nonce = change.get("nonce") or secrets.token_hex(8)
    token = change.get("secret", settings.province_paas_token.get_secret_value())
    return {
        "x-tif-paasid": change.get("paasid", settings.province_paas_id),
        "x-tif-timestamp": stamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": change.get("signature", tif_signature(stamp, token, nonce)),
    }


def get(stage, path, **change):
    answer = stage.app.test_client().get(path, headers=signed(stage, **change) | change.get("headers", {}))
    return answer.status_code, answer.get_json()


def post(stage, path, body, headers=None):
    answer = stage.app.test_client().post(path, json=body, headers=signed(stage) | (headers or {}))
    return answer.status_code, answer.get_json()


def ticket(stage, app="social-security", name="李明", number="990101199003070015"):
    asked = {"name": name, "idType": "0", "idNo": number, "purpose": "p", "consentId": "c"}
    subject = post(stage, "/province/v1/identity/two-factor", asked)[1]["data"]["subjectId"]
    told = post(stage, "/province/v1/sso/tickets", {"subjectId": subject, "targetApp": app})[1]
    return {"X-Subject-Token": told["data"]["ticket"]}


# ---- the door --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signature": "0" * 64}, 40101),
        ({"signature": ""}, 40101),
        ({"secret": "another token"}, 40101),
        ({"paasid": "another-caller"}, 40101),
        ({"skew": 181}, 40102),
        ({"skew": -181}, 40102),
    ],
)
@pytest.mark.parametrize("path", ["/province/v1/catalog/version", SERVICE + "/status"])
def test_the_door_refuses(stage, path, change, code):
    status, told = get(stage, path, **change)
    assert status == 401
    assert told.get("code", told.get("errcode")) == code
    assert stage.bench.journal.entries(platform="province")[-1]["check"] == str(code)


def test_upper_case_and_a_clock_within_the_window_pass(stage):
    assert get(stage, "/province/v1/catalog/version", skew=179)[0] == 200
    headers = signed(stage)
    headers["x-tif-signature"] = headers["x-tif-signature"].upper()
    assert stage.app.test_client().get("/province/v1/catalog/version", headers=headers).status_code == 200


def test_a_nonce_counts_once(stage):
    headers = signed(stage)
    browser = stage.app.test_client()
    assert browser.get("/province/v1/catalog/version", headers=headers).status_code == 200
    assert browser.get("/province/v1/catalog/version", headers=headers).get_json()["code"] == 40103


def test_a_nonce_is_remembered_for_ten_minutes(stage):
    world_clock = "/sim/v1/clock"
    assert get(stage, "/province/v1/catalog/version", nonce="n-1")[0] == 200
    stage.control(world_clock, {"advance_s": 599})
    assert get(stage, "/province/v1/catalog/version", nonce="n-1")[1]["code"] == 40103
    stage.control(world_clock, {"advance_s": 2})
    assert get(stage, "/province/v1/catalog/version", nonce="n-1")[0] == 200


def test_a_forged_call_does_not_use_up_a_nonce(stage):
    assert get(stage, "/province/v1/catalog/version", nonce="n-1", signature="0" * 64)[0] == 401
    assert get(stage, "/province/v1/catalog/version", nonce="n-1")[0] == 200


def test_the_envelope(stage):
    told = get(stage, "/province/v1/catalog/items?limit=2", headers={"X-Request-Id": "req-12345678"})[1]
    assert (told["code"], told["requestId"], told["page"]["hasMore"]) == (0, "req-12345678", True)
    assert len(told["data"]) == 2


@pytest.mark.parametrize(
    ("body", "fields"),
    [(b"{", ["body"]), (b"[]", ["body"]), (b"{}", ["name"]), (json.dumps({"name": "x" * 65}).encode(), ["name"])],
)
def test_a_bad_body_names_its_field(stage, body, fields):
    answer = stage.app.test_client().post("/province/v1/identity/two-factor", data=body, headers=signed(stage))
    assert answer.status_code == 400
    assert answer.get_json()["data"] == {"fields": fields}


def test_an_image_is_refused(stage):
    body = {
        "name": "李明",
        "idNo": "990101199003070015",
        "liveness": {"provider": "wechat", "bizToken": "b"},
        "image": "x",
    }
    status, told = post(stage, "/province/v1/identity/face-compare", body, {"Idempotency-Key": "k"})
    assert (status, told["data"]) == (400, {"fields": ["image"]})


def test_the_journal_keeps_no_ticket_and_no_signature(stage):
    headers = ticket(stage)
    get(stage, SERVICE + "/status", headers=headers)
    kept = json.dumps(stage.bench.journal.entries(platform="province"))
    assert headers["X-Subject-Token"] not in kept
    assert get_settings().province_paas_token.get_secret_value() not in kept


# ---- services behind the gateway -------------------------------------------------------------------------------------


def test_a_service_spends_the_ticket_and_answers(stage):
    status, told = get(stage, SERVICE + "/status", headers=ticket(stage))
    assert (status, told["errcode"], told["data"]["state"]) == (200, 0, "NORMAL")
    assert stage.checks("sso.validate") == ["ok"]
    assert stage.control("/sim/v1/province/state")["executions"] == {"social-security.card-status": 1}


def test_a_ticket_opens_one_door_once(stage):
    headers = ticket(stage)
    get(stage, SERVICE + "/status", headers=headers)
    status, told = get(stage, SERVICE + "/status", headers=headers)
    assert (status, told["errcode"]) == (401, 40104)
    assert stage.checks("sso.validate") == ["ok", "used"]


def test_a_ticket_shown_at_another_door_is_spent_and_useless(stage):
    headers = ticket(stage)
    assert get(stage, "/ebus/housing-fund/account/balance", headers=headers)[0] == 401
    assert get(stage, SERVICE + "/status", headers=headers)[0] == 401
    assert stage.checks("sso.validate") == ["audience", "used"]


def test_a_ticket_lives_sixty_seconds(stage):
    headers = ticket(stage)
    stage.control("/sim/v1/clock", {"advance_s": 61})
    assert get(stage, SERVICE + "/status", headers=headers)[0] == 401
    assert stage.checks("sso.validate") == ["expired"]


def test_a_ticket_can_be_made_to_expire(stage):
    stage.fault("expired-token", SERVICE + "/*")
    assert get(stage, SERVICE + "/status", headers=ticket(stage))[0] == 401
    assert get(stage, SERVICE + "/status", headers=ticket(stage))[0] == 200
    assert stage.checks("sso.validate") == ["expired", "ok"]


@pytest.mark.parametrize("headers", [{}, {"X-Subject-Token": "st-invented"}])
def test_without_a_good_ticket_nothing_is_done(stage, headers):
    assert post(stage, SERVICE + "/replacements", {"reason": "LOST"}, headers)[0] == 401
    assert stage.control("/sim/v1/province/state")["executions"] == {}


def test_every_execution_of_a_write_is_counted_even_under_one_key(stage):
    for _ in range(2):
        headers = ticket(stage) | {"Idempotency-Key": "key-00000001"}
        status, told = post(stage, SERVICE + "/replacements", {"reason": "LOST", "delivery": "WINDOW"}, headers)
        assert (status, told["data"]["state"]) == (200, "ACCEPTED")
    executed = [
        entry["facts"] for entry in stage.journal("social-security.card-replacement") if entry["check"] == "executed"
    ]
    assert [facts["execution"] for facts in executed] == [1, 2]
    assert {facts["idempotency_key"] for facts in executed} == {"key-00000001"}
    assert executed[0]["fields"] == {"reason": "LOST", "delivery": "WINDOW"}


def test_a_service_refuses_what_it_does_not_know(stage):
    status, told = post(stage, SERVICE + "/replacements", {"reason": "BORED"}, ticket(stage))
    assert (status, told["errcode"]) == (400, 40001)
    status, told = get(stage, "/ebus/social-security/../admin", headers={})
    assert status == 404
    assert stage.journal("ebus.unknown")


def test_validation_over_the_wire_is_single_use_too(stage):
    given = ticket(stage)["X-Subject-Token"]
    told = post(stage, "/province/v1/sso/tickets/validate", {"ticket": given})[1]["data"]
    assert (told["expiresIn"], told["userType"]) == (1800, 1)
    assert post(stage, "/province/v1/sso/tickets/validate", {"ticket": given})[0] == 401
    person = get(stage, "/province/v1/sso/userinfo", headers={"X-Subject-Token": told["token"]})[1]["data"]
    assert person["nameMasked"] == "*明"
    assert "990101199003070015" not in json.dumps(person)
    post(stage, "/province/v1/sso/tokens/revoke", {"token": told["token"]})
    assert get(stage, "/province/v1/sso/userinfo", headers={"X-Subject-Token": told["token"]})[0] == 401


# ---- callbacks, controls, page ---------------------------------------------------------------------------------------


def face(stage, **script):
    stage.control("/sim/v1/province/script", {"face_delay_s": 0, **script})
    body = {
        "name": "李明",
        "idNo": "990101199003070015",
        "liveness": {"provider": "wechat", "bizToken": secrets.token_hex(4)},
    }
    post(stage, "/province/v1/identity/face-compare", body, {"Idempotency-Key": secrets.token_hex(4)})
    return stage.events()


def test_a_script_makes_callbacks_twice_and_out_of_order(stage):
    assert [event["seq"] for event in face(stage, face_copies=2, face_stale=True)] == [2, 2, 1]


@pytest.mark.parametrize(("kind", "count"), [("drop", 0), ("dup-callback", 2)])
def test_faults_of_the_road(stage, kind, count):
    stage.fault(kind, "push/province/identity.face")
    assert len(face(stage)) == count


def test_each_attempt_is_signed_anew_under_the_same_event(stage):
    (event,) = face(stage)
    stage.control(f"/sim/v1/province/callbacks/{event['eventId']}/send", {}, 202)
    stage.events()
    first, second = stage.pushed
    assert first.body == second.body
    assert first.headers["X-PCB-Nonce"] != second.headers["X-PCB-Nonce"]
    assert first.url == get_settings().public_base_url + "/callbacks/province/events"


@pytest.mark.parametrize("answer", [(500, b'{"code":0}'), (200, b"ok"), (200, b'{"code":1}'), (200, b'{"code":false}')])
def test_only_the_contract_s_acknowledgement_ends_the_repeats(stage, answer):
    stage.answer_callbacks(*answer)
    stage.control("/sim/v1/province/script", {"face_delay_s": 0})
    body = {"name": "李明", "idNo": "990101199003070015", "liveness": {"provider": "wechat", "bizToken": "b"}}
    post(stage, "/province/v1/identity/face-compare", body, {"Idempotency-Key": "k"})
    wait.until(lambda: stage.journal("push/province/identity.face"), "the first attempt")
    assert stage.checks("push/province/identity.face") == ["refused"]
    assert stage.control("/sim/v1/province/state")["callbacks"][0]["state"] == "RETRYING"
    assert not stage.bench.emitter.settle(0)


@pytest.mark.parametrize(
    "body",
    [
        {"face_copies": 0},
        {"face_copies": "2"},
        {"face_copies": True},
        {"face_stale": 1},
        {"digest": "md5"},
        {"face_speed": 1},
    ],
)
def test_a_misspelt_control_is_noticed(stage, body):
    stage.control("/sim/v1/province/script", body, 400)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sim/v1/province/faces/none", {"result": "PASS"}),
        ("/sim/v1/province/callbacks/none/send", {}),
        ("/sim/v1/cases/none/advance", {"to": "DONE"}),
    ],
)
def test_controls_of_what_is_not_there(stage, path, body):
    stage.control(path, body, 404)


def test_the_page_and_its_parts_come_with_a_strict_policy(stage):
    browser = stage.app.test_client()
    for path in ("/play/province", "/play/province/play.js", "/play/province/play.css"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert browser.get("/play/province/world.py").status_code == 404
    assert "扮演省平台" in browser.get("/play/province").text


def test_controls_refuse_a_form_from_a_foreign_page(stage):
    answer = stage.app.test_client().post("/sim/v1/province/script", data="face_copies=2")
    assert answer.status_code == 415
