"""Who becomes whom: L2 opens nothing of anybody, L3 joins, and both sides of a second claim are told."""

from concurrent.futures import ThreadPoolExecutor

from app.core import db
from identity import accounts, pii
from tests.support.citizen_steps import ELDER, LI, WANG


def events_of(rows, event_type):
    return [row[0] for row in rows("SELECT data FROM outbox_events WHERE type = :t ORDER BY id", t=event_type)]


def test_b_at_l2_with_as_name_and_number_is_somebody_else_and_both_are_told(phone, rows):
    a, b = phone("openid-a").to_l3(LI), phone("openid-b").to_l2(LI)
    assert b.me()["citizen_id"] != a.me()["citizen_id"]
    assert len(b.send("GET", "/v1/me/uses").json["items"]) == 1
    assert events_of(rows, "identity.second_claim") == [
        {"citizen_id": b.me()["citizen_id"], "other_citizen_id": a.me()["citizen_id"]}
    ]


def test_a_repeated_check_tells_nobody_again(phone, rows):
    phone("openid-a").to_l2(LI)
    b = phone("openid-b").to_l2(LI)
    b.real_name(LI)
    assert len(events_of(rows, "identity.second_claim")) == 1


def test_at_l3_a_second_account_joins_the_holder(phone, rows):
    a, b = phone("openid-a").to_l3(LI), phone("openid-b")
    stub = b.citizen_id
    b.to_l3(LI)
    assert b.me()["citizen_id"] == a.me()["citizen_id"]
    assert b.me()["level"] == "L3"
    assert rows(
        "SELECT merged_into, subject_index, name_sealed, id_number_sealed FROM citizens WHERE id = :s", s=stub
    ) == [(a.citizen_id, None, None, None)]
    assert events_of(rows, "account.joined") == [
        {"account_id": b.account_id, "citizen_id": a.citizen_id, "from_citizen_id": stub}
    ]
    with db.transaction() as session:
        assert {row.account_id for row in accounts.reachable(session, a.citizen_id)} == {a.account_id, b.account_id}
        assert pii.citizen_of(session, stub).id == a.citizen_id
        assert pii.claim_of(session, stub).name == LI[0]
    assert rows("SELECT 1 FROM audit_entries WHERE act = 'account.join'")


def test_there_is_one_holder_whoever_is_first(phone, rows):
    phones = [phone(f"openid-{n}").to_l2(LI) for n in range(4)]
    ids = [caller.start_face() for caller in phones]
    for caller, verification_id in zip(phones, ids, strict=True):
        caller.world.face_says(verification_id)
        caller.finish(verification_id)
        caller.world.authority_says(verification_id)
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda pair: pair[0].finish(pair[1]).json["state"], zip(phones, ids, strict=True)))
    assert states == ["consumed"] * 4
    assert rows("SELECT count(*) FROM citizens WHERE holder") == [(1,)]
    assert len({caller.me()["citizen_id"] for caller in phones}) == 1


def test_different_people_stay_apart(phone):
    assert phone("openid-a").to_l3(LI).citizen_id != phone("openid-b").to_l3(WANG).citizen_id


def test_a_stranger_at_l2_does_not_keep_the_owner_from_becoming_the_holder(phone, rows):
    stranger = phone("openid-b").to_l2(LI)
    owner = phone("openid-a").to_l3(LI)
    assert owner.me()["level"] == "L3"
    assert stranger.me()["citizen_id"] != owner.citizen_id
    assert rows("SELECT id FROM citizens WHERE holder") == [(owner.citizen_id,)]


def test_declared_fields_are_exactly_those(phone):
    caller = phone().to_l2(ELDER)
    with db.transaction() as session:
        citizen_id = caller.citizen_id
        assert pii.declared_fields(session, citizen_id, ("name", "birth_year", "gender")) == {
            "name": ELDER[0], "birth_year": "1945", "gender": "female",
        }  # fmt: skip
        assert pii.declared_fields(session, citizen_id, ("birth_on", "id_number")) == {
            "birth_on": "1945-01-01", "id_number": ELDER[1],
        }  # fmt: skip
        assert pii.declared_fields(session, citizen_id, ()) == {}
        assert pii.subject_of(session, citizen_id) == "subject-elder"
