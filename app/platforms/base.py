"""Neutral value types and capability protocols every platform folder speaks in.

Rooms ask app/platforms/registry.py for a capability and get an object of one of these protocols; nothing above this
folder names a platform's field. Every call may raise app.core.errors.NotSent, OutcomeUnknown or a PlatformError;
a "no" that is an answer comes back as data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

# ---- login -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChannelIdentity:
    """Who the channel says is there. `session_key` is the channel's secret for this login; seal it or drop it."""

    openid: str = field(repr=False)
    unionid: str | None = field(default=None, repr=False)
    session_key: str | None = field(default=None, repr=False)


class CodeRefused(Exception):
    """The login code is no good (`reason` = invalid | used | blocked): the client must fetch a new one."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Login(Protocol):
    """Exchanges a mini-program's login code, once, server to server."""

    def exchange(self, app_id: str, code: str) -> ChannelIdentity:
        """Raises CodeRefused; an OutcomeUnknown means the code is burnt: ask the client for a new one."""
        ...


# ---- identity proofs -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class IdentityClaim:
    """A name and a mainland id number as the citizen gave them, canonical (upper-case X, trimmed)."""

    name: str = field(repr=False)
    id_number: str = field(repr=False)


class Match(StrEnum):
    """Answer of a two-factor check. Everything but MATCH is one refusal towards the citizen."""

    MATCH = "match"
    MISMATCH = "mismatch"
    NOT_FOUND = "not_found"
    UNSURE = "unsure"


@dataclass(frozen=True)
class RealNameAnswer:
    """`subject_id` is the authority's handle for the person, scoped to us; only on MATCH."""

    result: Match
    ref_id: str
    subject_id: str | None = field(default=None, repr=False)


class FaceState(StrEnum):
    """Where a face flow stands at its provider."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class FaceStart:
    """What the client needs to run the flow (`client`, handed on as it is) and what we need to ask about it."""

    provider_ref: str = field(repr=False)
    client: Mapping[str, str] = field(repr=False)
    expires_in_s: int = 3600


@dataclass(frozen=True)
class FaceAnswer:
    """`reason` is our word (mismatch, poor_photo, cancelled, not_completed, busy...); `can_retry` for the citizen."""

    state: FaceState
    reason: str = ""
    can_retry: bool = False
    provider_ref: str = field(default="", repr=False)


class FaceFlow(Protocol):
    """A channel's own face flow: start it, let the client run it, ask how it ended; its word proves nothing."""

    def start(self, app_id: str, openid: str, claim: IdentityClaim, flow_id: str) -> FaceStart:
        """`flow_id`: 5-32 of [0-9A-Za-z_-], unique for ever."""
        ...

    def query(self, app_id: str, openid: str, claim: IdentityClaim, flow_id: str, provider_ref: str) -> FaceAnswer: ...


@dataclass(frozen=True)
class Liveness:
    """A finished face transaction of some provider, handed to the authority as proof that a live person was there."""

    provider: str
    transaction: str = field(repr=False)


@dataclass(frozen=True)
class AuthorityCheck:
    """An authority's check of a face against its own photo; asynchronous.

    `reason` (mismatch, no_photo) only when FAILED. `transaction` is the liveness proof the authority says it compared:
    it must be the one bound to the verification, or the check proves somebody else (security.md V2).
    """

    ref_id: str
    state: FaceState
    reason: str = ""
    transaction: str = field(default="", repr=False)


@dataclass(frozen=True)
class Ticket:
    """A single-use ticket that stands for a person at the province; 60 s, never sent twice."""

    value: str = field(repr=False)
    expires_in_s: int = 60


# ---- catalogue and cases ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class CaseSubmission:
    """What a case needs. `subject_id` is the authority's handle; `form` only what the item declares."""

    case_id: str
    item_code: str
    item_version: str
    subject_id: str = field(repr=False)
    form: Mapping[str, Any] = field(repr=False)
    accept_region: str
    channel: str


@dataclass(frozen=True)
class CaseSnapshot:
    """A case as the province shows it now. `state` is our neutral word (province.md 1.4, lower case), `seq` the last
    event's, `track` its steps so far: {at: datetime, from: state, to: state, by: role, note, seq}.
    """

    case_no: str
    state: str
    seq: int
    result: str = ""
    updated_at: datetime | None = None
    track: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class CasePage:
    """One page of a catalogue listing; `cursor` None at the end."""

    rows: tuple[Mapping[str, Any], ...]
    cursor: str | None


# ---- messages --------------------------------------------------------------------------------------------


class SendState(StrEnum):
    """What the channel said to one message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True)
class SendAnswer:
    """ACCEPTED with the channel's id (text: WeChat's exceeds 2^53), or REFUSED with our reason and their code.

    Reasons: no_grant, bad_recipient, bad_template, bad_content, banned, busy_recipient, quota, page.
    """

    state: SendState
    message_id: str = ""
    reason: str = ""
    code: str = ""


class Messages(Protocol):
    """Sends one template message. A raised OutcomeUnknown stays unknown: no channel has an idempotency key."""

    def send(
        self, app_id: str, openid: str, template_id: str, values: Mapping[str, str], page: str | None, lang: str
    ) -> SendAnswer: ...


# ---- callbacks -------------------------------------------------------------------------------------------


class CallbackKind(StrEnum):
    """Neutral event types a platform's callback can carry; the outbox type is `callback.` + this."""

    GRANTS = (
        "grants"  # data: {"openid": .., "items": [{"template_id", "answer": accept|reject, "source": popup|change}]}
    )
    RECEIPT = "receipt"  # data: {"openid", "items": [{"template_id", "message_id", "ok": bool, "code", "status"}]}
    CASE_STATE = "case_state"  # data: {"case_no", "seq": int}   a hint: pull GET /cases/{no}
    FACE_DONE = "face_done"  # data: {"ref_id"}                  a hint: pull GET /identity/checks/{ref}
    IGNORED = "ignored"  # understood enough to acknowledge, nothing of ours to do


@dataclass(frozen=True)
class PlatformEvent:
    """A callback whose signature, time, app and shape were checked by its platform's folder; nothing else becomes one.

    `event_id` is unique per (platform, app) and stable over the platform's own repeats; `nonce` guards replays.
    `data` may name an openid, so it is sealed at rest and never rides the outbox.
    """

    kind: CallbackKind
    event_id: str
    nonce: str
    occurred_at: datetime
    data: Mapping[str, Any] = field(repr=False)
    reply: bytes = b"success"
    reply_type: str = "text/plain"


class Province(Protocol):
    """The provincial platform's neutral contract (province.md part 3). Writes carry our id as their idempotency key."""

    def two_factor(self, claim: IdentityClaim, purpose: str, consent_id: str, request_key: str) -> RealNameAnswer: ...

    def face_compare(self, claim: IdentityClaim, liveness: Liveness, purpose: str, request_key: str) -> AuthorityCheck:
        """Spends the liveness proof; an OutcomeUnknown may be asked again under the same `request_key` and body."""
        ...

    def face_check(self, ref_id: str) -> AuthorityCheck: ...

    def issue_ticket(self, subject_id: str, target_app: str) -> Ticket:
        """For one application behind the province's gateway (`social-security`). Asked once, shown once."""
        ...

    def catalogue_version(self) -> str: ...

    def list_items(self, version: str, cursor: str | None, limit: int) -> CasePage: ...

    def guide(self, item_code: str) -> Mapping[str, Any]: ...

    def list_regions(self) -> tuple[Mapping[str, Any], ...]:
        """{code (12 digits), parent ("" for the province), name, level} of every region, the province first."""
        ...

    def submit_case(self, submission: CaseSubmission) -> CaseSnapshot: ...

    def find_case_by_key(self, request_key: str) -> CaseSnapshot | None:
        """What became of a submission that got no answer: the case filed under this key, or None."""
        ...

    def get_case(self, case_no: str) -> CaseSnapshot: ...
