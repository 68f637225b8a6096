"""Organisations: those who run Tongban, and those who bring services to it. Called by the command line and staff.py.

An organisation of kind `integrator` is a tenant of its own; the province's share one. Nothing here deletes.
"""

import re
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import audit, clock
from app.core.db import ALL_TENANTS, PROVINCE, transaction
from app.core.errors import FieldError, Problem
from app.core.ids import new_id
from config.staff import KINDS, PROVINCE_KIND
from identity.staff_models import Organisation

SLUG: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
NAME_MOST: Final = 100


def add(slug: str, name: str, kind: str, *, actor: str) -> Organisation:
    """A new organisation, active. Raises Problem invalid_fields or organisation_taken."""
    _check(slug, name, kind)
    made = Organisation(id=new_id("og"), slug=slug, name=name, kind=kind, state="active", created_at=clock.now())
    made.tenant_id = PROVINCE if kind == PROVINCE_KIND else made.id
    try:
        with transaction(made.tenant_id) as db:
            db.add(made)
            audit.record(
                db, actor=actor, act="organisation.add", object_id=made.id, outcome="done", detail={"kind": kind}
            )
    except IntegrityError:
        raise Problem("organisation_taken") from None
    return made


def _check(slug: str, name: str, kind: str) -> None:
    wrong = [
        FieldError(field, word)
        for field, word, bad in (
            ("slug", "format", not SLUG.fullmatch(slug)),
            ("name", "length", not 1 <= len(name) <= NAME_MOST),
            ("kind", "choice", kind not in KINDS),
        )
        if bad
    ]
    if wrong:
        raise Problem("invalid_fields", errors=wrong)


def get(db: Session, reference: str) -> Organisation:
    """By id or slug, in a transaction that may see it. Raises Problem organisation_unknown."""
    found = db.scalars(
        select(Organisation).where(or_(Organisation.id == reference, Organisation.slug == reference))
    ).first()
    if found is None:
        raise Problem("organisation_unknown")
    return found


def suspend(reference: str, *, actor: str) -> Organisation:
    """From the commit on no token of this organisation proves anything, and nothing its staff asked for is executed."""
    with transaction(ALL_TENANTS) as db:
        found = get(db, reference)
        found.state = "suspended"
        audit.record(db, actor=actor, act="organisation.suspend", object_id=found.id, outcome="done", detail={})
    return found


def overview() -> list[Organisation]:
    """Every organisation, oldest first."""
    with transaction(ALL_TENANTS) as db:
        return list(db.scalars(select(Organisation).order_by(Organisation.id)))
