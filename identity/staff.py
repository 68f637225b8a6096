"""Staff accounts: added, given a token or a new authenticator secret, suspended, resumed. Called by the command line.

A human is found again by the blind index of their id number, which is not stored otherwise; that is what makes two
accounts of one person one person to the two-person rule. Secrets are answered once and live nowhere else in the clear.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import audit, chinaid, clock, crypto, names
from app.core.db import ALL_TENANTS, PROVINCE, transaction
from app.core.errors import FieldError, Problem
from app.core.ids import new_id
from config.staff import INTEGRATOR, INTEGRATOR_KIND, SCOPES
from identity import organisations, staff_tokens, totp
from identity.staff_models import Human, Organisation, Staff, StaffToken
from identity.staff_tokens import Minted

PERSON = "staff_person"  # the blind index's kind: no lookup can join a member of staff with a citizen by it


@dataclass(frozen=True)
class Added:
    """A new account with what its owner must be shown now, because it is never shown again."""

    staff_id: str
    human_id: str
    organisation_id: str
    role: str
    token: Minted
    totp_uri: str = field(repr=False)


def add(
    organisation: str, role: str, *, name: str, id_number: str, actor: str, scopes: Sequence[str] | None = None,
    days: int | None = None,
) -> Added:  # fmt: skip
    """An account in one role, its first token and its authenticator secret.

    Raises Problem invalid_fields (role, name, id_number, scopes, days), organisation_unknown, organisation_suspended,
    role_not_here (an integrator's developer in the province's organisation or the reverse) or staff_exists.
    """
    number = _person(role, name, id_number)
    secret = totp.new_secret()
    try:
        with transaction(ALL_TENANTS) as db:
            place = _place_for(db, organisation, role)
            account = _account(place, _human(db, number, name), role, secret)
            db.add(account)
            db.flush()
            _note(db, account, actor, "staff.add")
            minted = staff_tokens.mint(db, account, scopes=scopes, days=days, actor=actor)
    except IntegrityError:
        raise Problem("staff_exists") from None
    return Added(account.id, account.human_id, place.id, role, minted, totp.provisioning_uri(secret, account.id))


def _person(role: str, name: str, id_number: str) -> str:
    if role not in SCOPES:
        raise Problem("invalid_fields", errors=[FieldError("role", "choice")])
    try:
        names.check_name(name)
        return chinaid.read_id_number(id_number, clock.now().astimezone(clock.BEIJING).date()).value
    except names.BadName as error:
        raise Problem("invalid_fields", errors=[FieldError("name", error.reason)]) from None
    except chinaid.BadIdNumber as error:
        raise Problem("invalid_fields", errors=[FieldError("id_number", error.reason)]) from None


def _place_for(db: Session, reference: str, role: str) -> Organisation:
    place = organisations.get(db, reference)
    if place.state != "active":
        raise Problem("organisation_suspended")
    if (role == INTEGRATOR) != (place.kind == INTEGRATOR_KIND):
        raise Problem("role_not_here")
    return place


def _human(db: Session, number: str, name: str) -> str:
    """The human's id, made on first sight. Insert-or-find, so that two terminals make one human of one person."""
    known = crypto.blind_indexes(PERSON, number)
    human_id = new_id("hm")
    if db.scalars(select(Human.id).where(Human.person_index.in_(known))).first() is None:
        db.execute(
            insert(Human)
            .values(
                id=human_id, tenant_id=PROVINCE, person_index=known[0], created_at=clock.now(),
                name_sealed=crypto.seal(name, table="humans", column="name_sealed", row_id=human_id),
            )
            .on_conflict_do_nothing(index_elements=["person_index"])
        )  # fmt: skip
    return db.scalars(select(Human.id).where(Human.person_index.in_(known))).one()


def _account(place: Organisation, human_id: str, role: str, secret: str) -> Staff:
    staff_id = new_id("sf")
    return Staff(
        id=staff_id, tenant_id=place.tenant_id, human_id=human_id, organisation_id=place.id,
        organisation_kind=place.kind, role=role, state="active", created_at=clock.now(),
        totp_sealed=totp.sealed(secret, staff_id, place.tenant_id),
    )  # fmt: skip


def issue_token(staff_id: str, *, actor: str, scopes: Sequence[str] | None = None, days: int | None = None) -> Minted:
    """One more token; two may live at a time, so that one can be rolled over to the other."""
    with transaction(ALL_TENANTS) as db:
        account = _get(db, staff_id)
        if account.state != "active":
            raise Problem("staff_suspended")
        return staff_tokens.mint(db, account, scopes=scopes, days=days, actor=actor)


def renew_totp(staff_id: str, *, actor: str) -> str:
    """A new authenticator secret in place of a lost one; the old one is dead at once. Answers the provisioning URI."""
    secret = totp.new_secret()
    with transaction(ALL_TENANTS) as db:
        account = _get(db, staff_id)
        account.totp_sealed = totp.sealed(secret, account.id, account.tenant_id)
        account.totp_failures, account.totp_retry_at = 0, None
        _note(db, account, actor, "staff.totp_renewed")
    return totp.provisioning_uri(secret, staff_id)


def suspend(staff_id: str, *, actor: str) -> None:
    """From the commit on the account proves nothing, approves nothing, and nothing it asked for is executed."""
    _set_state(staff_id, "suspended", "staff.suspend", actor)


def resume(staff_id: str, *, actor: str) -> None:
    _set_state(staff_id, "active", "staff.resume", actor)


def _set_state(staff_id: str, state: str, act: str, actor: str) -> None:
    with transaction(ALL_TENANTS) as db:
        account = _get(db, staff_id)
        account.state = state
        _note(db, account, actor, act)


def is_active(db: Session, staff_id: str) -> bool:
    """Whether account and organisation are active now: asked again when an act of theirs is about to be executed."""
    states = db.execute(
        select(Staff.state, Organisation.state)
        .join(Organisation, Organisation.id == Staff.organisation_id)
        .where(Staff.id == staff_id)
    ).first()
    return states is not None and states[0] == states[1] == "active"


def name_of(db: Session, human_id: str) -> str:
    """A human's name, for colleagues; in a transaction that may see the province's rows."""
    row = db.get_one(Human, human_id)
    return crypto.unseal(row.name_sealed, table="humans", column="name_sealed", row_id=row.id)


def _get(db: Session, staff_id: str) -> Staff:
    found = db.get(Staff, staff_id, with_for_update=True)
    if found is None:
        raise Problem("staff_unknown")
    return found


def _note(db: Session, account: Staff, actor: str, act: str) -> None:
    audit.record(
        db, actor=actor, act=act, object_id=account.id, outcome="done",
        detail={"role": account.role, "organisation_id": account.organisation_id},
    )  # fmt: skip


@dataclass(frozen=True)
class Overview:
    """One account for a list: no secret, no name."""

    staff_id: str
    role: str
    state: str
    organisation: str
    tokens: tuple[StaffToken, ...]


def overview() -> list[Overview]:
    """Every account with its tokens, oldest first."""
    with transaction(ALL_TENANTS) as db:
        accounts = db.execute(
            select(Staff, Organisation.slug)
            .join(Organisation, Organisation.id == Staff.organisation_id)
            .order_by(Staff.id)
        ).all()
        tokens = db.scalars(select(StaffToken).order_by(StaffToken.id)).all()
    return [
        Overview(row[0].id, row[0].role, row[0].state, row[1], tuple(t for t in tokens if t.staff_id == row[0].id))
        for row in accounts
    ]
