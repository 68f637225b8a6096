"""Personal data of citizens: sealed in, opened for a stated use, shown masked. Nobody else unseals a citizen's row.

Whoever sends what `claim_of`, `subject_of` or `declared_fields` answers to somebody writes an app.core.uses row in the
same transaction; this module only opens. It never logs and never caches.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, crypto, uses
from app.core.chinaid import read_id_number
from app.core.db import transaction
from app.core.errors import Problem
from app.core.names import comparison_form
from app.core.principal import Principal
from app.platforms.base import IdentityClaim
from config.assurance import GUARDIAN_BELOW, REAL_PERSON
from identity import assurance
from identity.models import Citizen

TABLE: Final = "citizens"
NUMBER: Final = "id_number"


class NobodyKnown(LookupError):
    """The citizen has proved no identity, so there is nothing to open."""


def write(db: Session, citizen: Citizen, claim: IdentityClaim, subject_ref: str) -> None:
    """Seal what the authority matched into the citizen's row."""
    citizen.name_sealed = _seal(citizen, "name_sealed", claim.name)
    citizen.id_number_sealed = _seal(citizen, "id_number_sealed", claim.id_number)
    citizen.subject_ref_sealed = _seal(citizen, "subject_ref_sealed", subject_ref)
    citizen.subject_index = crypto.blind_index(NUMBER, claim.id_number)
    db.flush()


def blank(citizen: Citizen) -> None:
    """Empty a row whose account went to another record of the same person."""
    citizen.name_sealed = citizen.id_number_sealed = citizen.subject_ref_sealed = citizen.subject_index = None


def citizen_of(db: Session, citizen_id: str) -> Citizen:
    """The citizen's row, followed through merges."""
    citizen = db.scalars(select(Citizen).where(Citizen.id == citizen_id)).one()
    while citizen.merged_into is not None:
        citizen = db.scalars(select(Citizen).where(Citizen.id == citizen.merged_into)).one()
    return citizen


def claim_of(db: Session, citizen_id: str) -> IdentityClaim:
    """Name and number in the clear. Raises NobodyKnown below L2."""
    citizen = citizen_of(db, citizen_id)
    return IdentityClaim(
        _open(citizen, "name_sealed", citizen.name_sealed),
        _open(citizen, "id_number_sealed", citizen.id_number_sealed),
    )


def subject_of(db: Session, citizen_id: str) -> str:
    """The authority's handle for the person. Raises NobodyKnown below L2."""
    citizen = citizen_of(db, citizen_id)
    return _open(citizen, "subject_ref_sealed", citizen.subject_ref_sealed)


def declared_fields(db: Session, citizen_id: str, fields: Sequence[str]) -> dict[str, str]:
    """Exactly the named fields, each one of FIELDS. Raises NobodyKnown below L2, KeyError for an unknown field."""
    if not fields:
        return {}
    claim = claim_of(db, citizen_id)
    return {name: FIELDS[name](claim) for name in fields}


def masked(db: Session, citizen_id: str) -> tuple[str, str] | None:
    """Name and number as a screen may show them; None below L2."""
    try:
        claim = claim_of(db, citizen_id)
    except NobodyKnown:
        return None
    return mask_name(claim.name), mask_number(claim.id_number)


def uses_seen_by(principal: Principal, cursor: str | None, limit: int) -> uses.Page:
    """Who used the citizen's data, newest first. A person's own record needs L3 again when its proof has lapsed."""
    with transaction() as db:
        if citizen_of(db, principal.citizen_id).holder:
            assurance.require(principal, REAL_PERSON)
        return uses.list_for(db, principal.citizen_id, cursor, limit)


def mask_name(name: str) -> str:
    """All but the last character starred; a name of one character is starred whole."""
    return "*" * (len(name) - 1) + name[-1:] if len(name) > 1 else "*"


def mask_number(number: str) -> str:
    return f"{number[0]}{'*' * (len(number) - 2)}{number[-1]}"


def number_indexes(id_number: str) -> list[str]:
    """Where a citizen of this number may be found, while an index key is being changed too."""
    return crypto.blind_indexes(NUMBER, id_number)


def identity_indexes(claim: IdentityClaim) -> list[str]:
    """The blind forms of a name and number together, newest key first: what a verification is bound to."""
    return crypto.blind_indexes("identity", f"{comparison_form(claim.name)}|{claim.id_number}")


def birth_on(id_number: str) -> date:
    """A day, never an instant."""
    return date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))


def refuse_minor(id_number: str) -> None:
    """Raise Problem guardian_required below the age at which one's own consent counts (PIPL art. 31)."""
    today = clock.now().astimezone(clock.BEIJING).date()
    if read_id_number(id_number, today).age_on(today) < GUARDIAN_BELOW:
        raise Problem("guardian_required", detail={"methods": [assurance.way("counter")]})


FIELDS: Final[dict[str, Callable[[IdentityClaim], str]]] = {
    "name": lambda claim: claim.name,
    "id_number": lambda claim: claim.id_number,
    "name_masked": lambda claim: mask_name(claim.name),
    "id_number_masked": lambda claim: mask_number(claim.id_number),
    "birth_on": lambda claim: birth_on(claim.id_number).isoformat(),
    "birth_year": lambda claim: str(birth_on(claim.id_number).year),
    # GB 11643: the 17th digit is odd for men.
    "gender": lambda claim: "male" if int(claim.id_number[16]) % 2 else "female",
}


def _seal(citizen: Citizen, column: str, plain: str) -> str:
    return crypto.seal(plain, table=TABLE, column=column, row_id=citizen.id)


def _open(citizen: Citizen, column: str, sealed: str | None) -> str:
    if sealed is None:
        raise NobodyKnown(citizen.id)
    return crypto.unseal(sealed, table=TABLE, column=column, row_id=citizen.id)
