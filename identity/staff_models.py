"""Tables of the people who run Tongban or build on it: organisations, humans, staff accounts and their tokens.

An account has one role and belongs to one human; a human may hold several accounts, and two accounts of one human count
as one person wherever two persons are asked for. The constraints here say so a second time, below the code.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted


class Organisation(Tenanted, Base):
    """og_. Kind province: those who run Tongban, tenant `province`. Kind integrator: a tenant of its own."""

    __tablename__ = "organisations"
    __table_args__ = (
        UniqueConstraint("id", "kind", "tenant_id", name="organisations_identity"),
        CheckConstraint("kind in ('province', 'integrator')", name="organisations_kind"),
        CheckConstraint("state in ('active', 'suspended')", name="organisations_state"),
        CheckConstraint(
            "tenant_id = case when kind = 'province' then 'province' else id end", name="organisations_tenant"
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default="active")
    created_at: Mapped[datetime]


class Human(Tenanted, Base):
    """hm_. A person, found again by the blind index of their id number.

    Always of tenant `province`, so that the same person is recognised behind accounts in two organisations.
    """

    __tablename__ = "humans"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_index: Mapped[str] = mapped_column(unique=True)
    name_sealed: Mapped[str]
    created_at: Mapped[datetime]


class Staff(Tenanted, Base):
    """sf_. One account: a human, an organisation, a role. `totp_step` is the last time step used, each usable once."""

    __tablename__ = "staff"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "organisation_kind", "tenant_id"],
            ["organisations.id", "organisations.kind", "organisations.tenant_id"],
            name="staff_organisation",
        ),
        UniqueConstraint("human_id", "organisation_id", "role", name="staff_once"),
        CheckConstraint(
            "role in ('operator', 'approver', 'auditor', 'support', 'administrator', 'integrator')", name="staff_role"
        ),
        CheckConstraint("(role = 'integrator') = (organisation_kind = 'integrator')", name="staff_role_fits"),
        CheckConstraint("state in ('active', 'suspended')", name="staff_state"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    human_id: Mapped[str] = mapped_column(ForeignKey("humans.id"))
    organisation_id: Mapped[str]
    organisation_kind: Mapped[str]
    role: Mapped[str]
    state: Mapped[str] = mapped_column(default="active")
    totp_sealed: Mapped[str]
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)
    totp_failures: Mapped[int] = mapped_column(default=0)
    totp_retry_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime]


class StaffToken(Tenanted, Base):
    """tk_. A personal token by its SHA-256; the token itself is shown once and kept nowhere."""

    __tablename__ = "staff_tokens"
    __table_args__ = (CheckConstraint("expires_at <= created_at + interval '365 days'", name="staff_tokens_lifetime"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
