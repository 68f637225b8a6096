"""identity/organisations.py"""

import pytest

from app.core import db
from identity import organisations
from tests.support.staff import refused

pytestmark = pytest.mark.usefixtures("db_clean")


def test_a_province_organisation_shares_the_provinces_tenant_and_an_integrator_is_its_own():
    bureau = organisations.add("data-bureau", "大数据局", "province", actor="cli:root")
    acme = organisations.add("acme", "某公司", "integrator", actor="cli:root")
    assert (bureau.tenant_id, acme.tenant_id) == ("province", acme.id)


def test_it_is_found_by_id_and_by_slug():
    made = organisations.add("acme", "某公司", "integrator", actor="cli:root")
    with db.transaction(db.ALL_TENANTS) as session:
        assert organisations.get(session, "acme").id == organisations.get(session, made.id).id == made.id


def test_a_slug_is_taken_once_across_tenants():
    organisations.add("acme", "某公司", "integrator", actor="cli:root")
    with refused("organisation_taken"):
        organisations.add("acme", "另一家", "province", actor="cli:root")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (("A", "n", "province"), "slug"),
        (("a b", "n", "province"), "slug"),
        (("ab\n", "n", "province"), "slug"),
        (("ab", "", "province"), "name"),
        (("ab", "n" * 101, "province"), "name"),
        (("ab", "n", "department"), "kind"),
    ],
)
def test_a_wrong_field_is_named(values, field):
    with refused("invalid_fields") as answer:
        organisations.add(*values, actor="cli:root")
    assert [error.field for error in answer.problem.errors] == [field]


def test_an_unknown_one_is_said_to_be_unknown():
    with refused("organisation_unknown"):
        organisations.suspend("nowhere", actor="cli:root")
