"""Who is calling. Made by the edge from a proof, handed down as a value; rooms never look at headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.core import clock
from app.core.db import PROVINCE
from app.core.errors import Problem


@dataclass(frozen=True)
class MiniProgram:
    """A configured mini-program before anybody logged in: what X-App says, and nothing proved."""

    channel: str
    app_id: str


@dataclass(frozen=True)
class Principal:
    """A citizen in a session. `levels` maps an assurance level to when this account last proved it."""

    session_id: str
    account_id: str
    citizen_id: str
    channel: str
    app_id: str
    levels: Mapping[int, datetime] = field(default_factory=dict)
    hat: str = "self"  # the subject acted for: self, later a company or a relative
    tenant_id: str = PROVINCE

    @property
    def level(self) -> int:
        """L1 is having a session; higher levels come from evidence."""
        return max(self.levels, default=1)

    @property
    def actor(self) -> str:
        return self.account_id

    def meets(self, level: int, max_age_s: int | None) -> bool:
        """Whether a proof of at least `level` exists that is no older than `max_age_s`."""
        if level <= 1:
            return True
        youngest = max((at for proved, at in self.levels.items() if proved >= level), default=None)
        if youngest is None:
            return False
        return max_age_s is None or clock.now() - youngest <= timedelta(seconds=max_age_s)


@dataclass(frozen=True)
class StaffPrincipal:
    """A member of staff by personal token. `human_id` names the person behind however many accounts."""

    staff_id: str
    human_id: str
    organisation_id: str
    tenant_id: str
    roles: frozenset[str]
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        return self.staff_id


def require_role(staff: StaffPrincipal, *roles: str) -> None:
    """Raise Problem forbidden unless the account's role is one of these. The edge has checked the scope already."""
    if staff.roles.isdisjoint(roles):
        raise Problem("forbidden")
