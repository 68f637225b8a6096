"""Personal data: opened by name of field, shown masked, sealed to its row."""

import pytest
from sqlalchemy import select

from app.core import crypto, db
from app.core.errors import Problem
from app.platforms.base import IdentityClaim
from identity import accounts, pii
from identity.models import Citizen
from tests.support.citizen_steps import ELDER, LI, MINOR, WANG


@pytest.mark.parametrize(
    ("name", "masked"), [("李雷", "*雷"), ("王", "*"), ("买买提·艾力", "*****力"), ("𫍲某", "*某")]
)
def test_a_name_is_masked_to_its_last_character(name, masked):
    assert pii.mask_name(name) == masked


def test_a_number_is_masked_to_its_ends():
    assert pii.mask_number(LI[1]) == "9****************5"


@pytest.mark.parametrize(
    ("person", "gender", "born"),
    [(LI, "male", "1990-03-07"), (WANG, "female", "1988-12-12"), (ELDER, "female", "1945-01-01")],
)
def test_what_a_number_says(person, gender, born):
    claim = IdentityClaim(*person)
    assert pii.FIELDS["gender"](claim) == gender
    assert pii.FIELDS["birth_on"](claim) == born
    assert pii.FIELDS["birth_year"](claim) == born[:4]


def test_the_canonical_name_is_bound_and_not_its_spelling():
    plain, dotted = IdentityClaim("买买提·艾力", LI[1]), IdentityClaim("买买提•艾力", LI[1])
    assert pii.identity_indexes(plain) == pii.identity_indexes(dotted)
    assert pii.identity_indexes(plain) != pii.identity_indexes(IdentityClaim("买买提艾力", LI[1]))
    assert pii.identity_indexes(plain) != pii.identity_indexes(IdentityClaim("买买提·艾力", WANG[1]))


def test_nobody_is_opened_below_l2(db_clean):
    with db.transaction() as session:
        citizen = accounts.new_citizen(session)
        for opened in (pii.claim_of, pii.subject_of):
            with pytest.raises(pii.NobodyKnown):
                opened(session, citizen.id)
        with pytest.raises(pii.NobodyKnown):
            pii.declared_fields(session, citizen.id, ("name",))
        assert pii.masked(session, citizen.id) is None


def test_a_sealed_name_does_not_open_in_another_row(db_clean):
    with db.transaction() as session:
        one, other = accounts.new_citizen(session), accounts.new_citizen(session)
        pii.write(session, one, IdentityClaim(*LI), "subject-li")
        other.name_sealed, other.id_number_sealed = one.name_sealed, one.id_number_sealed
        session.flush()
        assert pii.claim_of(session, one.id) == IdentityClaim(*LI)
        with pytest.raises(crypto.Unsealable):
            pii.claim_of(session, other.id)


def test_an_undeclared_field_cannot_be_asked_for(db_clean):
    with db.transaction() as session:
        citizen = accounts.new_citizen(session)
        pii.write(session, citizen, IdentityClaim(*LI), "subject-li")
        with pytest.raises(KeyError):
            pii.declared_fields(session, citizen.id, ("name", "phone"))


def test_a_person_is_found_by_number_without_being_opened(db_clean):
    with db.transaction() as session:
        citizen = accounts.new_citizen(session)
        pii.write(session, citizen, IdentityClaim(*LI), "subject-li")
        found = select(Citizen.id).where(Citizen.subject_index.in_(pii.number_indexes(LI[1])))
        assert session.scalars(found).all() == [citizen.id]


def test_the_guardians_age_is_fourteen():
    with pytest.raises(Problem, match="guardian_required"):
        pii.refuse_minor(MINOR[1])
    pii.refuse_minor(LI[1])
