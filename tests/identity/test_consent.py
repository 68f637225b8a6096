"""Consent: append-only, by version and text, withdrawn at any time, provable for any past instant."""

import pytest
from sqlalchemy.exc import ProgrammingError

from app.core import clock, db
from app.core.errors import Problem
from config.consents import CURRENT, TEXTS, ConsentText
from identity import consent
from tests.support.citizen_steps import LI


def test_texts_are_shown_in_both_languages_with_their_recipient(phone):
    items = phone().send("GET", "/v1/consents").json["items"]
    assert [row["purpose"] for row in items] == list(CURRENT)
    assert all(row["zh"] and row["en"] and row["recipient"] and len(row["text_hash"]) == 64 for row in items)


def test_a_consent_names_version_recipient_and_time(phone, rows):
    caller = phone()
    answer = caller.consent("real_name")
    assert answer.status_code == 201
    assert (answer.json["purpose"], answer.json["given"], answer.json["current"]) == ("real_name", True, True)
    assert caller.send("GET", "/v1/me/consents").json["items"] == [answer.json]
    assert rows("SELECT text_hash, channel, given FROM consents") == [(CURRENT["real_name"].digest, "wechat", True)]
    assert rows("SELECT 1 FROM audit_entries WHERE act = 'consent.give'")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"purpose": "nothing", "text_version": "1"}, 404, "not_found"),
        ({"purpose": "service:sv_1", "text_version": "1"}, 404, "not_found"),
        ({"purpose": "face", "text_version": "0"}, 409, "consent_outdated"),
        ({"purpose": "face"}, 422, "invalid_fields"),
        ({"purpose": "Face!", "text_version": "1"}, 422, "invalid_fields"),
        ({"purpose": "face", "text_version": "1", "account_id": "ac_x"}, 422, "invalid_fields"),
    ],
)
def test_a_consent_that_is_none_is_refused(phone, rows, body, status, code):
    answer = phone().send("POST", "/v1/me/consents", body)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert rows("SELECT 1 FROM consents") == []


def test_an_outdated_version_is_told_the_current_one(phone):
    answer = phone().send("POST", "/v1/me/consents", {"purpose": "face", "text_version": "0"})
    assert (answer.json["purpose"], answer.json["text_version"]) == ("face", "1")


def test_withdrawing_is_a_row_of_its_own(phone, rows):
    caller = phone()
    caller.consent("face")
    assert caller.send("DELETE", "/v1/me/consents/face").status_code == 204
    assert rows("SELECT given FROM consents ORDER BY seq") == [(True,), (False,)]
    shown = caller.send("GET", "/v1/me/consents").json["items"]
    assert [(row["given"], row["current"]) for row in shown] == [(False, False)]
    assert caller.send("DELETE", "/v1/me/consents/face").status_code == 404
    assert caller.send("DELETE", "/v1/me/consents/%00").status_code == 404


def test_one_accounts_consent_is_not_anothers(phone):
    phone("openid-a").consent("real_name")
    answer = phone("openid-b").real_name(LI)
    assert (answer.status_code, answer.json["code"]) == (403, "consent_required")


def test_the_ledger_cannot_be_rewritten(phone):
    phone().consent("face")
    for change in ("UPDATE consents SET given = false", "DELETE FROM consents"):
        with pytest.raises(ProgrammingError, match="permission denied"), db.transaction() as session:
            session.connection().exec_driver_sql(change)


def test_the_state_at_any_past_time_is_known(phone):
    """security.md D7."""
    caller = phone()
    instants = [clock.now()]
    for step in ("give", "withdraw", "give"):
        caller.consent("face") if step == "give" else caller.send("DELETE", "/v1/me/consents/face")
        instants.append(clock.now())
    with db.transaction() as session:
        found = [consent.newest(session, caller.account_id, "face", at) for at in instants]
    assert [row and row.given for row in found] == [None, True, False, True]


def test_a_room_can_bring_texts_of_its_own(phone, monkeypatch):
    text = ConsentText("service:sv_1", "3", "somebody", "给", "give")
    monkeypatch.setitem(consent._sources, "service", lambda purpose: text if purpose == "service:sv_1" else None)
    caller = phone()
    answer = caller.send("POST", "/v1/me/consents", {"purpose": "service:sv_1", "text_version": "3"})
    assert (answer.status_code, answer.json["recipient"]) == (201, "somebody")
    with db.transaction() as session:
        assert consent.require(session, caller.account_id, "service:sv_1") == answer.json["id"]
        with pytest.raises(Problem, match="consent_required"):
            consent.require(session, caller.account_id, "service:sv_2")
    assert caller.send("DELETE", "/v1/me/consents/service:sv_1").status_code == 204


def test_a_changed_word_needs_a_new_consent(phone, monkeypatch):
    caller = phone()
    caller.consent("real_name")
    monkeypatch.setitem(CURRENT, "real_name", CURRENT["real_name"]._replace(zh="改了"))
    answer = caller.real_name(LI)
    assert (answer.json["code"], answer.json["text_version"]) == ("consent_required", "1")
    assert answer.json["start"]["body"] == {"purpose": "real_name", "text_version": "1"}
    texts = caller.send("GET", "/v1/consents").json["items"]
    shown = next(text for text in texts if text["purpose"] == "real_name")
    assert answer.json["text"] == {name: shown[name] for name in ("recipient", "zh", "en")}


def test_versions_are_unique_within_a_purpose():
    assert len({(text.purpose, text.version) for text in TEXTS}) == len(TEXTS)
