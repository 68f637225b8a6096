"""identity/staff.py: accounts, and the database's own refusals below the code."""

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from app.core import db
from config.staff import SCOPES
from identity import organisations, staff, totp
from identity.staff_models import Human, Staff
from tests.support.staff import id_number, organisation, person, refused, secret_of

pytestmark = pytest.mark.usefixtures("db_clean")


def the_row(model, row_id):
    with db.transaction(db.ALL_TENANTS) as session:
        return session.get_one(model, row_id)


def test_an_account_has_one_role_a_token_of_the_roles_scopes_and_an_authenticator():
    made = staff.add(organisation(), "operator", name="张三", id_number=id_number(), actor="cli:root")
    row = the_row(Staff, made.staff_id)
    assert (row.role, row.state, row.tenant_id, row.human_id) == ("operator", "active", "province", made.human_id)
    assert made.token.scopes == SCOPES["operator"]
    assert made.totp_uri.startswith("otpauth://totp/Tongban:sf_")
    assert len(secret_of(made.totp_uri)) == 32


def test_what_is_shown_once_is_not_in_the_repr():
    made = staff.add(organisation(), "operator", name="张三", id_number=id_number(), actor="cli:root")
    assert made.token.text not in repr(made)
    assert secret_of(made.totp_uri) not in repr(made)


def test_the_name_rests_sealed_and_the_number_only_as_an_index():
    number = id_number()
    made = person("operator", number=number)
    row = the_row(Human, made.human_id)
    assert "测试员" not in row.name_sealed
    assert number not in row.person_index
    with db.transaction() as session:
        assert staff.name_of(session, made.human_id) == "测试员"


def test_the_same_number_is_the_same_human_in_every_organisation():
    number = id_number()
    people = [
        person("operator", number=number),
        person("approver", number=number),
        person("integrator", number=number.lower()),
    ]
    assert len({one.human_id for one in people}) == 1
    assert len({one.staff_id for one in people}) == 3
    assert person("operator").human_id != people[0].human_id


def test_one_role_once_a_person_and_organisation():
    number = id_number()
    person("operator", number=number)
    with refused("staff_exists"):
        person("operator", number=number)


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("integrator", "province"),
        ("operator", "integrator"),
        ("approver", "integrator"),
        ("administrator", "integrator"),
    ],
)
def test_who_builds_on_tongban_never_runs_it_nor_the_reverse(role, kind):
    with refused("role_not_here"):
        person(role, place=organisation("somewhere", kind))


@pytest.mark.parametrize(
    ("values", "field", "word"),
    [
        ({"role": "root"}, "role", "choice"),
        ({"role": "operator,approver"}, "role", "choice"),
        ({"id_number": "990000198001010010"}, "id_number", "check"),
        ({"id_number": "1"}, "id_number", "shape"),
        ({"name": ""}, "name", "empty"),
        ({"name": "x" * 65}, "name", "length"),
        ({"scopes": ["services:write"]}, "scopes", "choice"),
        ({"scopes": []}, "scopes", "choice"),
        ({"days": 366}, "days", "range"),
        ({"days": 0}, "days", "range"),
    ],
)
def test_a_wrong_field_is_named(values, field, word):
    given = {"role": "operator", "name": "张三", "id_number": id_number()} | values
    with refused("invalid_fields") as answer:
        staff.add(organisation(), given.pop("role"), actor="cli:root", **given)
    assert answer.problem.errors == ((field, word),)


def test_an_unknown_or_suspended_organisation_takes_nobody():
    with refused("organisation_unknown"):
        person("operator", place="nowhere")
    home = organisation("closed")
    organisations.suspend(home, actor="cli:root")
    with refused("organisation_suspended"):
        person("operator", place=home)


@pytest.mark.parametrize(
    "values",
    [
        {"role": "operator approver"},
        {"role": "integrator"},
        {"organisation_kind": "integrator"},
        {"state": "gone"},
        {"human_id": "hm_nobody"},
        {"tenant_id": "elsewhere"},
    ],
)
def test_the_database_refuses_what_the_code_would(values):
    who = person("operator")
    with pytest.raises(IntegrityError), db.transaction(db.ALL_TENANTS) as session:
        session.execute(update(Staff).where(Staff.id == who.staff_id).values(**values))


def test_an_integrators_organisation_is_a_tenant_of_its_own():
    developer = person("integrator")
    assert developer.principal().tenant_id == developer.organisation_id
    with db.transaction() as session:  # the province's rows do not hold it
        assert session.get(Staff, developer.staff_id) is None
    with pytest.raises(IntegrityError), db.transaction(db.ALL_TENANTS) as session:
        session.execute(text("UPDATE organisations SET tenant_id = 'province' WHERE slug = 'acme'"))


def test_suspending_ends_the_token_and_resuming_brings_it_back():
    who = person("approver")
    staff.suspend(who.staff_id, actor="cli:root")
    assert staff.staff_tokens.principal_from(who.token) is None
    with db.transaction() as session:
        assert not staff.is_active(session, who.staff_id)
    with refused("staff_suspended"):
        staff.issue_token(who.staff_id, actor="cli:root")
    staff.resume(who.staff_id, actor="cli:root")
    assert who.principal().staff_id == who.staff_id


def test_suspending_an_organisation_ends_its_peoples_tokens():
    developer = person("integrator")
    organisations.suspend("acme", actor="cli:root")
    assert staff.staff_tokens.principal_from(developer.token) is None
    with db.transaction(db.ALL_TENANTS) as session:
        assert not staff.is_active(session, developer.staff_id)


def test_a_new_authenticator_kills_the_old_one():
    who = person("approver")
    fresh = secret_of(staff.renew_totp(who.staff_id, actor="cli:root"))
    assert fresh != who.secret
    with refused("step_up_required"):
        totp.step_up(who.principal(), who.code())


def test_an_unknown_account_is_said_to_be_unknown():
    for act in (staff.suspend, staff.resume, staff.renew_totp, staff.issue_token):
        with refused("staff_unknown"):
            act("sf_nobody", actor="cli:root")


def test_the_overview_shows_accounts_and_tokens():
    who = person("auditor")
    (row,) = staff.overview()
    assert (row.staff_id, row.role, row.organisation) == (who.staff_id, "auditor", "data-bureau")
    assert [token.id for token in row.tokens] == [who.token_id]
