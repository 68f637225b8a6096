"""X11: a service is told what it declared, by an assertion made for it alone and for one call."""

import pytest

from tests.support.citizen_steps import APP, LI, WANG
from tests.support.gateway import APPLY, call, manifest, publish
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, personal, plain, proved, trust, upstream
from tests.support.reach import assert_nothing_slipped_through
from tests.support.upstream import received

__all__ = ["citizen", "gateway_app", "gateway_world", "personal", "plain", "proved", "trust", "upstream"]

IDENTITY = ("subject", "uid", "openid", "x-tif-uid", "citizen_id", "account_id", "id_number", "name")


def test_X11_the_ticket_names_the_service_and_is_new_for_each_call(proved, personal, upstream):
    for key in ("key-00000001", "key-00000002"):
        assert call(proved, personal, "POST", "/cards", {}, Idempotency_Key=key).status_code == 200
    tickets = [seen.header("X-Subject-Token") for seen in received(upstream)]
    assert tickets == ["ticket-subject-li-cards-1", "ticket-subject-li-cards-2"]


def test_X11_undeclared_fields_are_absent(citizen, upstream):
    service_id = publish(manifest(upstream.url()[:-1], fields=[{"name": "birth_year", "purpose": "核对年龄"}]))
    phone = citizen(at=3)
    phone.consent(f"service:{service_id}")
    assert call(phone, service_id, "POST", "/cards", {}, Idempotency_Key="key-00000001").status_code == 200
    (seen,) = received(upstream)
    assert seen.json == {"subject": {"birth_year": "1990"}}
    assert_nothing_slipped_through(seen, *LI, phone.token, phone.account_id, phone.citizen_id, APP)


def test_X11_a_service_that_declared_nothing_is_told_nothing(citizen, upstream, gateway_world):
    document = manifest(upstream.url()[:-1], fields=[], identity="none", operations=[APPLY], impact_assessment=None)
    del document["impact_assessment"]
    service_id = publish(document)
    phone = citizen(at=3)
    assert call(phone, service_id, "POST", "/cards", {"a": 1}, Idempotency_Key="key-00000001").status_code == 200
    (seen,) = received(upstream)
    assert seen.json == {"a": 1}
    assert "x-subject-token" not in seen.headers
    assert gateway_world.calls["issue_ticket"] == 0
    assert_nothing_slipped_through(seen, *LI, phone.token, phone.account_id, phone.citizen_id)


@pytest.mark.parametrize("name", IDENTITY)
def test_X11_a_citizen_cannot_say_who_the_citizen_is(citizen, proved, personal, upstream, name):
    """As a member of the body, a parameter or a header: either refused, or carried as plain data beside the truth."""
    body_answer = call(proved, personal, "POST", "/cards", {name: WANG[1]}, Idempotency_Key="key-00000001")
    query_answer = call(proved, personal, "POST", f"/cards?{name}={WANG[1]}", {}, Idempotency_Key="key-00000002")
    header_answer = call(proved, personal, "POST", "/cards", {}, Idempotency_Key="key-00000003", **{name: WANG[1]})
    assert query_answer.status_code in {400, 422}
    assert header_answer.status_code == 200
    assert body_answer.status_code == (422 if name == "subject" else 200)
    for seen in received(upstream):
        assert seen.json["subject"] == {"name": LI[0], "id_number": LI[1]}
        assert seen.header("X-Subject-Token").startswith("ticket-subject-li-cards-")
        assert WANG[1] not in str(seen.headers)


def test_X11_a_withdrawn_consent_ends_it_at_once(proved, personal, upstream):
    assert call(proved, personal, "POST", "/cards", {}, Idempotency_Key="key-00000001").status_code == 200
    assert proved.send("DELETE", f"/v1/me/consents/service:{personal}").status_code == 204
    answer = call(proved, personal, "POST", "/cards", {}, Idempotency_Key="key-00000002")
    assert (answer.status_code, answer.json["code"]) == (403, "consent_required")
    assert len(upstream.requests) == 1
