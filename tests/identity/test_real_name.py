"""Name and number, matched by the authority, give L2; everything else is one refusal."""

import pytest

from app.core.chinaid import id_check
from app.core.errors import NotSent, OutcomeUnknown, PlatformBusy, PlatformGarbled, PlatformRefused
from identity import verification
from tests.support.citizen_steps import ELDER, LI, MINOR, WANG


def test_a_match_gives_l2_and_seals_the_identity(phone, rows):
    caller = phone()
    caller.consent("real_name")
    answer = caller.real_name(LI)
    assert answer.status_code == 201
    body = answer.json
    assert (body["method"], body["state"], body["level"], body["next"]) == ("real_name", "consumed", "L2", None)
    me = caller.me()
    assert (me["level"], me["level_name"], me["name_masked"]) == ("L2", "已实名", "*明")
    assert me["id_number_masked"] == "9" + "*" * 16 + "5"
    assert [(proof["level"], proof["method"]) for proof in me["proofs"]] == [("L2", "real_name")]
    stored = str(rows("SELECT * FROM citizens")) + str(rows("SELECT * FROM verifications"))
    assert LI[0] not in stored
    assert LI[1] not in stored


def test_the_use_of_name_and_number_is_written_down(phone):
    caller = phone().to_l2(LI)
    used = caller.send("GET", "/v1/me/uses").json["items"]
    assert [(row["purpose"], row["fields"], row["recipient"]) for row in used] == [
        ("real_name", ["id_number", "name"], "province")
    ]


def test_uses_page_by_cursor(phone):
    caller = phone().to_l2(LI)
    caller.real_name(LI)
    first = caller.send("GET", "/v1/me/uses?limit=1").json
    second = caller.send("GET", f"/v1/me/uses?limit=1&cursor={first['next_cursor']}").json
    assert first["items"][0]["id"] > second["items"][0]["id"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("person", "wrong"),
    [
        (("李明", "990101199003070014"), {"id_number": "check"}),
        (("李明", "990101199002300013"), {"id_number": "check"}),
        (("李明", "99010119900307001"), {"id_number": "shape"}),
        (("李明", "９９０１０１１９９００３０７００１５"), {"id_number": "shape"}),
        (("\u0001", LI[1]), {"name": "character"}),
        ((" ", LI[1]), {"name": "empty"}),
        (("\u0001", "x"), {"name": "character", "id_number": "shape"}),
    ],
)
def test_what_could_never_be_right_is_a_field_error_and_asks_nobody(phone, world, person, wrong):
    caller = phone()
    caller.consent("real_name")
    answer = caller.real_name(person)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
    assert {error["field"]: error["code"] for error in answer.json["errors"]} == wrong
    assert world.calls["two_factor"] == 0


def test_an_impossible_birth_date_is_a_field_error(phone, world):
    first17 = "99010119900230001"
    caller = phone()
    caller.consent("real_name")
    answer = caller.real_name(("李明", first17 + id_check(first17)))
    assert answer.json["errors"] == [{"field": "id_number", "code": "date"}]
    assert world.calls["two_factor"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"method": "real_name"},
        {"method": "real_name", "name": "李明"},
        {"method": "real_name", "name": "李明", "id_number": LI[1], "purpose": "level"},
        {"method": "face", "name": "李明"},
        {"method": "face", "purpose": "act"},
        {"method": "face", "service_id": "sv_x"},
        {"method": "counter"},
        {"method": "real_name", "name": 1, "id_number": LI[1]},
        {"method": "real_name", "name": "李明", "id_number": LI[1], "openid": "x"},
        {},
    ],
)
def test_a_body_that_does_not_fit_its_method_is_refused(phone, world, body):
    caller = phone()
    caller.consent("real_name")
    answer = caller.prove(body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
    assert world.calls["two_factor"] == 0


def test_a_lower_case_x_and_spaces_around_are_read_as_meant(phone, world):
    number = next(f"{n}X" for n in range(99010119900307002, 99010119900307999) if id_check(str(n)) == "X")
    world.people["赵六", number] = "subject-x"
    caller = phone()
    caller.consent("real_name")
    assert caller.real_name((" 赵六 ", f" {number.lower()} ")).status_code == 201


@pytest.mark.parametrize(
    "trouble",
    [
        NotSent("refused"),
        OutcomeUnknown("timeout"),
        PlatformBusy("province", "two-factor", "42901", retry_after_s=90),
        PlatformGarbled("province", "two-factor"),
        PlatformRefused("province", "two-factor", "40301"),
    ],
)
def test_an_outage_is_no_answer(phone, world, rows, trouble):
    caller = phone()
    caller.consent("real_name")
    world.trouble["two_factor"] = trouble
    answer = caller.real_name(LI)
    assert (answer.status_code, answer.json["code"]) == (503, "verification_unavailable")
    assert int(answer.headers["Retry-After"]) >= getattr(trouble, "retry_after_s", 1)
    assert [method["method"] for method in answer.json["methods"]] == ["counter"]
    assert rows("SELECT state, reason FROM verifications") == [("failed", "unavailable")]
    assert rows("SELECT outcome FROM real_name_attempts") == [("void",)]
    assert rows("SELECT 1 FROM evidence") == []


def test_the_same_key_proves_once(phone, world):
    caller = phone()
    caller.consent("real_name")
    first, again = caller.real_name(LI, key="one-key-for-both"), caller.real_name(LI, key="one-key-for-both")
    assert first.json == again.json
    assert again.headers["Idempotent-Replay"] == "true"
    assert world.calls["two_factor"] == 1
    assert caller.send("POST", "/v1/me/verifications", {"method": "face"}).json["code"] == "idempotency_key_required"


def test_a_refusal_leaves_the_key_free(phone):
    caller = phone()
    caller.consent("real_name")
    assert caller.real_name(("李四", LI[1]), key="typed-it-wrong").status_code == 422
    assert caller.real_name(LI, key="typed-it-wrong").status_code == 201


def test_a_body_that_does_not_fit_leaves_the_key_free(phone):
    caller = phone()
    caller.consent("real_name")
    for _ in range(2):
        assert caller.prove({"method": "real_name", "name": LI[0]}, key="half-a-form").status_code == 422
    assert caller.real_name(LI, key="half-a-form").status_code == 201


def test_a_second_proof_of_the_same_person_is_a_fresh_one(phone):
    caller = phone().to_l2(LI)
    caller.real_name(LI)
    assert len(caller.me()["proofs"]) == 2


def test_another_person_starts_over_as_somebody_else(phone, rows):
    caller = phone().to_l2(ELDER)
    before = caller.me()["citizen_id"]
    assert caller.real_name(LI).status_code == 201
    me = caller.me()
    assert me["citizen_id"] != before
    assert me["name_masked"] == "*明"
    assert len(me["proofs"]) == 1
    assert rows("SELECT count(*) FROM evidence WHERE revoked_at IS NOT NULL") == [(1,)]


def test_a_third_person_in_a_day_is_too_many(phone, world):
    caller = phone().to_l2(ELDER)
    assert caller.real_name(LI).status_code == 201
    answer = caller.real_name(WANG)
    assert (answer.status_code, answer.json["code"]) == (429, "verification_limit")
    assert world.calls["two_factor"] == 2
    assert caller.real_name(LI).status_code == 201


def test_a_proved_person_cannot_become_another(phone, world):
    caller = phone().to_l3(LI)
    asked = world.calls["two_factor"]
    answer = caller.real_name(WANG)
    assert (answer.status_code, answer.json["code"]) == (409, "identity_fixed")
    assert world.calls["two_factor"] == asked


def test_an_answer_that_comes_after_the_attempt_ended_does_not_count(phone, world, rows):
    caller = phone()
    caller.consent("real_name")
    world.during["two_factor"] = lambda: caller.send("DELETE", "/v1/me/consents/real_name")
    answer = caller.real_name(LI)
    assert answer.json["code"] == "verification_unavailable"
    assert rows("SELECT state, reason FROM verifications") == [("failed", "consent_withdrawn")]
    assert rows("SELECT 1 FROM evidence") == []
    assert caller.me()["name_masked"] is None


def test_a_worker_that_died_leaves_nothing_passed_and_nothing_counted(phone, world, rows, old):
    caller = phone()
    caller.consent("real_name")

    class Killed(BaseException):
        pass

    world.trouble["two_factor"] = Killed()
    with pytest.raises(Killed):
        caller.real_name(LI)
    assert rows("SELECT state FROM verifications") == [("pending",)]
    old("verifications", "expires_at", 130)
    assert verification.expire_due() == 1
    assert rows("SELECT state FROM verifications") == [("expired",)]
    world.trouble.clear()
    assert caller.real_name(LI).status_code == 201


def test_below_fourteen_needs_a_guardian_and_asks_nobody(phone, world):
    caller = phone()
    caller.consent("real_name")
    answer = caller.real_name(MINOR)
    assert (answer.status_code, answer.json["code"]) == (403, "guardian_required")
    assert world.calls["two_factor"] == 0
