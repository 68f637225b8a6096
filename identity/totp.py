"""Time-based codes of staff (RFC 6238): the step-up before an approval. Called by the blueprints of two-person acts.

The present step and one on either side are looked at; a step at or below the last one used is refused, and that number
lies in the row, so a code works once even across workers and restarts. The row is locked while a code is judged: a
hundred parallel guesses are judged one by one, and after five failures not judged at all until the delay is over.
A guess during the delay neither counts nor prolongs it, and the delay stops growing, so nobody is shut out for good.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pyotp
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit, clock, crypto
from app.core.db import transaction
from app.core.errors import Problem
from app.core.principal import StaffPrincipal
from config.staff import TOTP_FIRST_DELAY_S, TOTP_FREE_FAILURES, TOTP_MOST_DELAY_S, TOTP_STEP_S
from identity.staff_models import Staff

ISSUER: Final = "Tongban"
WINDOW: Final = 1  # steps, either way: thirty seconds of a wrong clock
CODE: Final = re.compile(r"[0-9]{6}")


@dataclass(frozen=True)
class Judged:
    """`reason` is for the audit only; outside, every refusal but the delay looks alike."""

    passed: bool
    reason: str = ""
    retry_after_s: int = 0


def new_secret() -> str:
    """160 random bits in base32, as authenticator apps want it."""
    return pyotp.random_base32(32)


def provisioning_uri(secret: str, staff_id: str) -> str:
    """otpauth:// text for an authenticator app; to be shown once."""
    return pyotp.TOTP(secret, interval=TOTP_STEP_S).provisioning_uri(name=staff_id, issuer_name=ISSUER)


def sealed(secret: str, staff_id: str, tenant: str) -> str:
    return crypto.seal(secret, table="staff", column="totp_sealed", row_id=staff_id, tenant=tenant)


def step_up(staff: StaffPrincipal, code: str | None) -> None:
    """Use up one code. Raises Problem step_up_required, or too_many_requests with Retry-After; both are audited."""
    with transaction(staff.tenant_id) as db:
        judged = _judge(db, staff.staff_id, code or "", clock.now())
        if not judged.passed:
            audit.record(
                db, actor=staff.actor, act="staff.step_up", object_id=staff.staff_id, outcome="refused",
                detail={"reason": judged.reason},
            )  # fmt: skip
    if judged.retry_after_s:
        raise Problem("too_many_requests", headers={"Retry-After": str(judged.retry_after_s)})
    if not judged.passed:
        raise Problem("step_up_required")


def _judge(db: Session, staff_id: str, code: str, at: datetime) -> Judged:
    row = db.scalars(select(Staff).where(Staff.id == staff_id).with_for_update()).one()
    if row.state != "active":  # suspended between the token's proof and now
        return Judged(passed=False, reason="suspended")
    if not CODE.fullmatch(code):
        return Judged(passed=False, reason="missing" if not code else "malformed")  # no guess, so it counts for nothing
    if row.totp_retry_at is not None and at < row.totp_retry_at:
        return Judged(passed=False, reason="delayed", retry_after_s=_seconds(row.totp_retry_at - at))
    step = _step_of(row, code, at)
    if step is None or step <= row.totp_step:
        _count_failure(row, at)
        return Judged(passed=False, reason="wrong" if step is None else "reused")
    row.totp_step, row.totp_failures, row.totp_retry_at = step, 0, None
    return Judged(passed=True)


def _step_of(row: Staff, code: str, at: datetime) -> int | None:
    """The step whose code this is. Every step in the window is compared, so that time tells nothing."""
    secret = crypto.unseal(row.totp_sealed, table="staff", column="totp_sealed", row_id=row.id, tenant=row.tenant_id)
    maker, present = pyotp.TOTP(secret, interval=TOTP_STEP_S), int(at.timestamp()) // TOTP_STEP_S
    matching = [
        step for step in range(present - WINDOW, present + WINDOW + 1) if crypto.same(maker.generate_otp(step), code)
    ]
    return max(matching, default=None)


def _count_failure(row: Staff, at: datetime) -> None:
    row.totp_failures += 1
    over = row.totp_failures - TOTP_FREE_FAILURES
    if over >= 0:
        delay_s = min(TOTP_MOST_DELAY_S, TOTP_FIRST_DELAY_S * 2 ** min(over, 16))
        row.totp_retry_at = at + timedelta(seconds=delay_s)


def _seconds(rest: timedelta) -> int:
    return max(1, -int(-rest.total_seconds() // 1))
