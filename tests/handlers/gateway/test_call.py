"""The proxied call, end to end in this process: real PostgreSQL, real Redis, a recording upstream on loopback."""

from sqlalchemy import select

from app.core.db import ALL_TENANTS, transaction
from handlers.gateway import exchanges
from handlers.gateway.models import Exchange
from tests.support.citizen_steps import LI
from tests.support.gateway import call, manifest, plain_manifest, publish
from tests.support.upstream import received


def kept() -> list[Exchange]:
    exchanges.BATCH.flush()
    with transaction(ALL_TENANTS) as db:
        return list(db.scalars(select(Exchange).order_by(Exchange.id)))


def test_a_plain_read_goes_out_signed_and_comes_back_unwrapped(citizen, upstream):
    service_id = publish(plain_manifest(upstream.url()[:-1]))
    phone = citizen()
    answer = call(phone, service_id, "GET", "/cards/99-1?page=2")
    assert (answer.status_code, answer.json) == (200, {"data": {"card": "ok"}})
    (seen,) = received(upstream)
    assert (seen.method, seen.target) == ("GET", "/ebus/cards/cards/99-1?page=2")
    (row,) = kept()
    assert (row.outcome, row.upstream_status, row.citizen_ref) == ("ANSWERED", 200, phone.account_id)


def test_a_write_hands_over_a_ticket_and_the_declared_fields_and_nothing_else(citizen, upstream):
    service_id = publish(manifest(upstream.url()[:-1]))
    phone = citizen(at=3)
    assert phone.consent(f"service:{service_id}").status_code == 201
    answer = call(phone, service_id, "POST", "/cards", {"reason": "LOST"}, Idempotency_Key="key-00000001")
    assert answer.status_code == 200, answer.json
    (seen,) = received(upstream)
    assert seen.json == {"reason": "LOST", "subject": {"name": LI[0], "id_number": LI[1]}}
    assert seen.header("X-Subject-Token") == "ticket-subject-li-cards-1"
