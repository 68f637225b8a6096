"""A1 for services and versions: an integrator meets its own and nobody else's, by listing, by id and by slug."""

import pytest
from sqlalchemy import select

from app.core.db import PROVINCE, transaction
from app.core.errors import Problem
from handlers.gateway import exchanges, registration
from handlers.gateway.models import Exchange, Service, ServiceVersion
from tests.support import staff
from tests.support.gateway import approve, call, plain_manifest
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, plain, trust, upstream

__all__ = ["citizen", "gateway_app", "gateway_world", "plain", "trust", "upstream"]


@pytest.fixture
def acme(gateway_world):
    return staff.person("integrator", place=staff.organisation("acme", "integrator"))


@pytest.fixture
def globex(gateway_world):
    return staff.person("integrator", place=staff.organisation("globex", "integrator"))


@pytest.fixture
def version(acme) -> ServiceVersion:
    return registration.register_manifest(acme.principal(), plain_manifest("https://cards.example.gov.cn"))


@pytest.fixture
def client(gateway_app):
    return gateway_app.test_client()


def test_A1_a_listing_holds_one_s_own_alone(client, acme, globex, version):
    assert [item["id"] for item in client.get("/ops/v1/services", headers=acme.headers).json["items"]] == [version.id]
    assert client.get("/ops/v1/services", headers=globex.headers).json["items"] == []


def test_A1_another_s_version_is_as_absent_as_one_that_never_was(client, acme, globex, version):
    never = "sr_01h455vb4pex5vsknk084sn02q"
    assert client.get(f"/ops/v1/services/{version.id}", headers=acme.headers).status_code == 200
    theirs, absent = (client.get(f"/ops/v1/services/{one}", headers=globex.headers) for one in (version.id, never))
    assert theirs.status_code == absent.status_code == 404
    assert {**theirs.json, "request_id": ""} == {**absent.json, "request_id": ""}


def test_A1_the_province_reviews_everybody_s(client, version):
    approver = staff.person("approver")
    found = client.get("/ops/v1/services?state=submitted", headers=approver.headers).json["items"]
    assert [item["id"] for item in found] == [version.id]
    assert (
        client.get(f"/ops/v1/services/{version.id}", headers=approver.headers).json["manifest"]["slug"] == "card-state"
    )


def test_A1_another_s_slug_cannot_be_taken_or_versioned(globex, version):
    with pytest.raises(Problem) as refused:
        registration.register_manifest(globex.principal(), plain_manifest("https://evil.example.gov.cn"))
    assert refused.value.code == "service_taken"
    with transaction("*") as db:
        assert [row.id for row in db.scalars(select(ServiceVersion))] == [version.id]


def test_A1_the_database_refuses_what_the_code_forgets(acme, globex, version):
    """Row-level security: the other tenant's transaction sees and changes nothing."""
    for tenant in (globex.principal().tenant_id, PROVINCE):
        with transaction(tenant) as db:
            assert db.scalars(select(Service)).all() == []
            assert db.scalars(select(ServiceVersion)).all() == []
            assert db.get(ServiceVersion, version.id) is None


def test_A1_traffic_belongs_to_the_service_s_owner(citizen, upstream, plain, globex):
    assert call(citizen(), plain, "GET", "/cards/1").status_code == 200
    exchanges.BATCH.flush()
    with transaction(globex.principal().tenant_id) as db:
        assert db.scalars(select(Exchange)).all() == []
    with transaction("*") as db:
        assert len(db.scalars(select(Exchange)).all()) == 1


def test_A1_a_citizen_s_token_opens_no_review(client, citizen, version):
    phone = citizen()
    assert phone.send("GET", "/ops/v1/services").status_code == 401
    assert phone.send("GET", f"/ops/v1/services/{version.id}").status_code == 401


def test_A1_a_tenant_cannot_be_chosen_in_the_manifest(acme):
    for member in ("tenant_id", "organisation", "state", "published_version", "approved_by"):
        with pytest.raises(Problem) as refused:
            registration.register_manifest(acme.principal(), plain_manifest("https://c.example.gov.cn") | {member: "x"})
        assert (member, "unknown") in [tuple(error) for error in refused.value.errors]


def test_A1_publishing_one_s_own_needs_another_human(acme, version):
    number = staff.id_number()
    author = staff.person("integrator", number=number)
    mine = registration.register_manifest(
        author.principal(), plain_manifest("https://d.example.gov.cn", slug="another-card")
    )
    same_human = staff.person("approver", number=number)
    with pytest.raises(Problem) as refused:
        approve(mine.approval_id, same_human)
    assert refused.value.code == "approval_needs_another_person"
