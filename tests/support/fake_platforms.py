# ruff: noqa: ARG002  the protocols name their arguments; a fake need not read them all
"""A channel and a province that live in this process: identity's rules are tested against what they answer and count.

They speak the neutral protocols of app/platforms/base.py; the wire is tested elsewhere. Like the real ones they take a
code once, know people by name and number, and answer a face compare with PENDING. Every call is refused inside a
transaction, as app/core/http.py would.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from app.core import db
from app.core.errors import OutboundError, PlatformError
from app.platforms.base import (
    AuthorityCheck,
    ChannelIdentity,
    CodeRefused,
    FaceAnswer,
    FaceStart,
    FaceState,
    IdentityClaim,
    Liveness,
    Match,
    RealNameAnswer,
)

SESSION_KEY = "canary-session-key-0a1b2c=="
PENDING = FaceAnswer(FaceState.PENDING, "not_completed", can_retry=True)
PASSED = FaceAnswer(FaceState.PASSED)


@dataclass
class FakeWorld:
    """What the platforms know (`people`), how they answer (`trouble`, `faces`, `checks`), what reached them (`calls`)."""

    people: dict[tuple[str, str], str] = field(default_factory=dict)
    deceased: set[str] = field(default_factory=set)
    trouble: dict[str, OutboundError | PlatformError] = field(default_factory=dict)
    faces: dict[str, FaceAnswer] = field(default_factory=dict)
    checks: dict[str, AuthorityCheck] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    during: dict[str, Callable[[], None]] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    compared: list[tuple[str, str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reached(self, operation: str) -> None:
        if db.in_transaction():
            raise AssertionError(f"{operation} was called inside a transaction")
        with self.lock:
            self.calls[operation] += 1
        if operation in self.during:
            self.during[operation]()
        if operation in self.trouble:
            raise self.trouble[operation]

    # ---- channel -------------------------------------------------------------------------------------------------

    def exchange(self, app_id: str, code: str) -> ChannelIdentity:
        """Codes are `<openid>.<anything>`."""
        self.reached("exchange")
        with self.lock:
            if code in self.spent:
                raise CodeRefused("used")
            self.spent.add(code)
        openid, dot, _ = code.partition(".")
        if not dot:
            raise CodeRefused("invalid")
        return ChannelIdentity(openid, None, SESSION_KEY)

    def start(self, app_id: str, openid: str, claim: IdentityClaim, flow_id: str) -> FaceStart:
        self.reached("face_start")
        self.faces.setdefault(flow_id, PENDING)
        return FaceStart(f"provider-{flow_id}", {"verifyId": f"provider-{flow_id}"}, 3600)

    def query(self, app_id: str, openid: str, claim: IdentityClaim, flow_id: str, provider_ref: str) -> FaceAnswer:
        self.reached("face_query")
        return self.faces[flow_id]

    # ---- province ------------------------------------------------------------------------------------------------

    def two_factor(self, claim: IdentityClaim, purpose: str, consent_id: str, request_key: str) -> RealNameAnswer:
        self.reached("two_factor")
        if claim.id_number in self.deceased:
            return RealNameAnswer(Match.UNSURE, "rd")
        subject = self.people.get((claim.name, claim.id_number))
        if subject is not None:
            return RealNameAnswer(Match.MATCH, "rm", subject)
        known = any(number == claim.id_number for _, number in self.people)
        return RealNameAnswer(Match.MISMATCH if known else Match.NOT_FOUND, "rn")

    def face_compare(self, claim: IdentityClaim, liveness: Liveness, purpose: str, request_key: str) -> AuthorityCheck:
        self.reached("face_compare")
        self.compared.append((liveness.provider, liveness.transaction, request_key))
        ref = f"check-{request_key}"
        self.checks.setdefault(ref, AuthorityCheck(ref, FaceState.PENDING, "", liveness.transaction))
        return AuthorityCheck(ref, FaceState.PENDING, "", liveness.transaction)

    def face_check(self, ref_id: str) -> AuthorityCheck:
        self.reached("face_check")
        return self.checks[ref_id]

    # ---- what a test makes of them -------------------------------------------------------------------------------

    def face_says(self, verification_id: str, answer: FaceAnswer = PASSED) -> None:
        self.faces[verification_id] = answer

    def authority_says(self, verification_id: str, state: FaceState = FaceState.PASSED, reason: str = "") -> None:
        ref = f"check-{verification_id}"
        self.checks[ref] = AuthorityCheck(ref, state, reason, f"provider-{verification_id}")
