"""From a manifest to a live service: two people, exactly what was approved, at once."""

import pytest
from sqlalchemy import select, text

from app.core import approvals
from app.core.db import ALL_TENANTS, transaction
from app.core.errors import Problem
from handlers.gateway import registration, registry
from handlers.gateway.models import Service, ServiceVersion
from tests.support import staff
from tests.support.gateway import approve, call, plain_manifest, publish

URL = "https://cards.example.gov.cn"


@pytest.fixture
def acme(gateway_world):
    return staff.person("integrator").principal()


def versions() -> list[tuple[int, str]]:
    with transaction(ALL_TENANTS) as db:
        return [(row.version, row.state) for row in db.scalars(select(ServiceVersion).order_by(ServiceVersion.version))]


def refusal(act, *args) -> str:
    with pytest.raises(Problem) as refused:
        act(*args)
    return refused.value.code


def test_a_registered_manifest_waits_for_a_second_person(acme):
    version = registration.register_manifest(acme, plain_manifest(URL))
    assert (version.version, version.state) == (1, "submitted")
    assert registry.find(version.service_id) is None
    with transaction(ALL_TENANTS) as db:
        asked = approvals.get(db, version.approval_id)
    assert (asked.act, asked.state, asked.tenant_id) == ("service.publish", "requested", acme.tenant_id)
    assert asked.payload["manifest_hash"] == version.manifest_hash
    assert asked.payload["upstream"] == f"{URL}/ebus/cards"


def test_once_approved_it_is_called_at_once(citizen, upstream):
    phone = citizen()
    assert call(phone, "sv_01h455vb4pex5vsknk084sn02q", "GET", "/cards/1").status_code == 404  # the registry is warm
    service_id = publish(plain_manifest(upstream.url()[:-1]))
    assert call(phone, service_id, "GET", "/cards/1").status_code == 200


def test_a_new_version_takes_the_place_of_the_old(citizen, upstream):
    service_id = publish(plain_manifest(upstream.url()[:-1]))
    other = {"method": "GET", "path": "/other", "write": False}
    assert publish(plain_manifest(upstream.url()[:-1], operations=[other])) == service_id
    assert versions() == [(1, "retired"), (2, "published")]
    phone = citizen()
    assert call(phone, service_id, "GET", "/other").status_code == 200
    assert call(phone, service_id, "GET", "/cards/1").json["code"] == "operation_not_offered"


def test_a_late_approval_does_not_bring_back_the_past(acme):
    first = registration.register_manifest(acme, plain_manifest(URL))
    second = registration.register_manifest(acme, plain_manifest(URL, contact="新的联系人"))
    approve(second.approval_id)
    assert refusal(approve, first.approval_id) == "conflict"
    assert versions() == [(1, "retired"), (2, "published")]


def test_the_same_manifest_again_is_nothing_new(acme):
    registration.register_manifest(acme, plain_manifest(URL))
    assert refusal(registration.register_manifest, acme, plain_manifest(URL)) == "service_unchanged"
    assert versions() == [(1, "submitted")]


def test_what_is_approved_is_what_was_asked(acme):
    version = registration.register_manifest(acme, plain_manifest(URL))
    with transaction(ALL_TENANTS) as db:
        altered = "UPDATE service_versions SET manifest = jsonb_set(manifest, '{upstream,base_url}', '\"https://evil.example.gov.cn\"')"
        db.execute(text(altered))
    assert refusal(approve, version.approval_id) == "approval_changed"
    assert versions() == [(1, "submitted")]


def test_approving_is_done_once(acme):
    version = registration.register_manifest(acme, plain_manifest(URL))
    approve(version.approval_id)
    assert refusal(approve, version.approval_id) == "approval_closed"


@pytest.mark.parametrize("role", ["approver", "auditor", "support", "administrator"])
def test_only_an_integrator_or_an_operator_registers(gateway_world, role):
    assert refusal(registration.register_manifest, staff.person(role).principal(), plain_manifest(URL)) == "forbidden"
    assert versions() == []


@pytest.mark.parametrize("role", ["integrator", "operator", "auditor", "administrator"])
def test_only_an_approver_publishes(acme, role):
    version = registration.register_manifest(acme, plain_manifest(URL))
    assert refusal(approve, version.approval_id, staff.person(role)) == "forbidden"


def test_a_bad_manifest_leaves_nothing_behind(acme):
    assert refusal(registration.register_manifest, acme, plain_manifest("http://127.0.0.1")) == "invalid_fields"
    with transaction(ALL_TENANTS) as db:
        assert db.scalars(select(Service)).all() == []


def test_a_suspended_service_is_off(citizen, upstream):
    service_id = publish(plain_manifest(upstream.url()[:-1]))
    with transaction(ALL_TENANTS) as db:
        db.execute(text("UPDATE services SET suspended_at = now()"))
    registry.forget()
    assert call(citizen(), service_id, "GET", "/cards/1").status_code == 404
