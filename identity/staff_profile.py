"""What a member of staff sees of themselves: GET /ops/v1/me."""

from dataclasses import dataclass, field

from app.core.db import ALL_TENANTS, transaction
from app.core.principal import StaffPrincipal
from identity import organisations
from identity import staff as accounts


@dataclass(frozen=True)
class Profile:
    """One account with its human's name in the clear, for its owner only."""

    staff_id: str
    human_id: str
    name: str = field(repr=False)
    organisation_id: str
    organisation: str
    roles: list[str]
    scopes: list[str]


def of(staff: StaffPrincipal) -> Profile:
    """The human's row is the province's, whatever the account's tenant: hence the wide scope, for their own row."""
    with transaction(ALL_TENANTS) as db:
        name = accounts.name_of(db, staff.human_id)
        organisation = organisations.get(db, staff.organisation_id).name
    return Profile(
        staff_id=staff.staff_id, human_id=staff.human_id, name=name, organisation_id=staff.organisation_id,
        organisation=organisation, roles=sorted(staff.roles), scopes=sorted(staff.scopes),
    )  # fmt: skip
