"""Members of staff for tests: an account, its token, its authenticator. Id numbers are of region 99, which nobody has."""

import itertools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlparse

import pyotp
from sqlalchemy import update

from app.core import chinaid, clock
from app.core.db import ALL_TENANTS, transaction
from app.core.errors import Problem
from app.core.principal import StaffPrincipal
from identity import organisations, staff, staff_tokens
from identity.staff_models import Staff

_serial = itertools.count(1)


def id_number() -> str:
    """A well-formed number nobody was issued, new at each call."""
    first17 = f"99000019800101{next(_serial):03d}"
    return first17 + chinaid.id_check(first17)


@dataclass(frozen=True)
class Person:
    """One account and what its owner holds."""

    staff_id: str
    human_id: str
    organisation_id: str
    token_id: str
    token: str
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def code(self) -> str:
        """The authenticator's present code, whether used or not."""
        return pyotp.TOTP(self.secret).at(clock.now())

    def fresh_code(self) -> str:
        """A present code, usable even if the test used this half minute's already."""
        with transaction(ALL_TENANTS) as db:
            db.execute(update(Staff).where(Staff.id == self.staff_id).values(totp_step=0))
        return self.code()

    def with_code(self, code: str | None = None) -> dict[str, str]:
        return {**self.headers, "X-TOTP": code or self.fresh_code()}

    def principal(self) -> StaffPrincipal:
        found = staff_tokens.principal_from(self.token)
        assert found is not None
        return found


def organisation(slug: str = "data-bureau", kind: str = "province") -> str:
    """The id of the organisation of this slug, made if it is not there."""
    try:
        return organisations.add(slug, slug, kind, actor="test").id
    except Problem:
        with transaction(ALL_TENANTS) as db:
            return organisations.get(db, slug).id


def person(
    role: str,
    *,
    number: str | None = None,
    place: str | None = None,
    scopes: Sequence[str] | None = None,
) -> Person:
    """A new account of this role; the same `number` makes it another account of the same human."""
    home = place or (organisation("acme", "integrator") if role == "integrator" else organisation())
    made = staff.add(home, role, name="测试员", id_number=number or id_number(), actor="test", scopes=scopes)
    return Person(
        made.staff_id, made.human_id, made.organisation_id, made.token.token_id, made.token.text,
        secret_of(made.totp_uri),
    )  # fmt: skip


def secret_of(uri: str) -> str:
    return parse_qs(urlparse(uri).query)["secret"][0]


class refused(AbstractContextManager["refused"]):  # noqa: N801  reads as a word: `with refused("staff_exists"):`
    """The block must raise this Problem, which is `problem` afterwards."""

    problem: Problem

    def __init__(self, code: str) -> None:
        self.code = code

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        assert isinstance(error, Problem), f"expected {self.code}, got {error!r}"
        assert error.code == self.code
        self.problem = error
        return True
