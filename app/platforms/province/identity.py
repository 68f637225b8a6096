"""Unified identity at the province (province.md 3.2): two factors, the authority's face check, single-use tickets.

Part of authority.AUTHORITY. A name that does not match is an answer; "could not ask" is an exception, and neither of
them ever becomes the other.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from app.core.errors import PlatformGarbled
from app.platforms.base import AuthorityCheck, FaceState, IdentityClaim, Liveness, Match, RealNameAnswer, Ticket
from app.platforms.province import client, codes, reading
from app.platforms.province.client import Ask

T = TypeVar("T")

MAINLAND_ID: Final = "0"
TWO_FACTOR: Final = "identity.two-factor"
FACE_COMPARE: Final = "identity.face-compare"
FACE_CHECK: Final = "identity.check"
TICKET: Final = "sso.ticket"
LONGEST_TICKET_LIFE_S: Final = 600

MATCHES: Final[Mapping[str, Match]] = {
    "MATCH": Match.MATCH,
    "MISMATCH": Match.MISMATCH,
    "NOT_FOUND": Match.NOT_FOUND,
    "UNSURE": Match.UNSURE,
}
FACES: Final[Mapping[str, tuple[FaceState, str]]] = {
    "PENDING": (FaceState.PENDING, ""),
    "PASS": (FaceState.PASSED, ""),
    "FAIL": (FaceState.FAILED, "mismatch"),
    "NO_PHOTO": (FaceState.FAILED, "no_photo"),
}


class Identity:
    """The identity half of base.Province. Stateless."""

    def two_factor(self, claim: IdentityClaim, purpose: str, consent_id: str, request_key: str) -> RealNameAnswer:
        body = {
            "name": claim.name,
            "idType": MAINLAND_ID,
            "idNo": claim.id_number,
            "purpose": purpose,
            "consentId": consent_id,
        }
        # A look-up dressed as a POST: asking again after a fault harms nobody, so a fault is "later", not "unknown".
        told = client.ask(Ask(TWO_FACTOR, "POST", "/identity/two-factor", body=body, key=request_key))
        data = reading.members(TWO_FACTOR, told.data)
        match = _word(TWO_FACTOR, MATCHES, data, "result")
        # On any other answer a subject is ignored even if it came: no match, no person.
        subject_id = reading.text(TWO_FACTOR, data, "subjectId", 64) if match is Match.MATCH else None
        return RealNameAnswer(match, reading.text(TWO_FACTOR, data, "refId", 64), subject_id)

    def face_compare(self, claim: IdentityClaim, liveness: Liveness, purpose: str, request_key: str) -> AuthorityCheck:
        body = {
            "name": claim.name,
            "idNo": claim.id_number,
            "purpose": purpose,
            "liveness": {"provider": liveness.provider, "bizToken": liveness.transaction},
        }
        told = client.ask(Ask(FACE_COMPARE, "POST", "/identity/face-compare", body=body, key=request_key, effect=True))
        data = reading.members(FACE_COMPARE, told.data)
        state, reason = _word(FACE_COMPARE, FACES, data, "result")
        return AuthorityCheck(reading.text(FACE_COMPARE, data, "refId", 64), state, reason, liveness.transaction)

    def face_check(self, ref_id: str) -> AuthorityCheck:
        told = client.ask(Ask(FACE_CHECK, "GET", f"/identity/checks/{reading.segment(FACE_CHECK, ref_id)}"))
        data = reading.members(FACE_CHECK, told.data)
        transaction = reading.text(FACE_CHECK, data, "bizToken")
        if reading.text(FACE_CHECK, data, "state") != "DONE":
            return AuthorityCheck(ref_id, FaceState.PENDING, "", transaction)
        state, reason = _word(FACE_CHECK, FACES, data, "result")
        if state is FaceState.PASSED and _score(data, "score", 100) < _score(data, "threshold", 0):
            raise PlatformGarbled(codes.PLATFORM, FACE_CHECK, "pass_below_threshold")
        return AuthorityCheck(ref_id, state, reason, transaction)

    def issue_ticket(self, subject_id: str, target_app: str) -> Ticket:
        # Not even signed again: one request for a ticket leaves this house per call, whatever comes back.
        body = {"subjectId": subject_id, "targetApp": target_app}
        told = client.ask(Ask(TICKET, "POST", "/sso/tickets", body=body, resign=False))
        data = reading.members(TICKET, told.data)
        life_s = min(reading.number(TICKET, data, "expiresIn"), LONGEST_TICKET_LIFE_S)
        return Ticket(reading.text(TICKET, data, "ticket", 512), life_s)


def _word(operation: str, words: Mapping[str, T], data: Mapping[str, Any], name: str) -> T:
    """A member of the contract's vocabulary; a word we do not know proves nothing and is garbled."""
    value = reading.text(operation, data, name)
    if value not in words:
        raise PlatformGarbled(codes.PLATFORM, operation, f"member_{name}")
    return words[value]


def _score(data: Mapping[str, Any], name: str, absent: int) -> float:
    value = data.get(name, absent)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PlatformGarbled(codes.PLATFORM, FACE_CHECK, f"member_{name}")
    return value
