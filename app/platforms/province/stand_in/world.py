"""The stand-in's memory: nonces, checks, tickets, cases, replacements, what was answered under which key.

Everything here is touched under the bench's lock; a reset of the sandbox empties it.
"""

import secrets
import threading
from dataclasses import dataclass, field
from typing import Any, Final

from app.platforms.bench import Bench
from app.platforms.province.stand_in.people import EVERYBODY, Person

NONCE_MEMORY_S: Final = 600


@dataclass
class Check:
    """A face comparison. It stands PENDING until `ready_at` (None: until somebody decides by hand)."""

    ref_id: str
    person: Person
    biz_token: str = field(repr=False)
    result: str
    ready_at: float | None
    seq: int = 0

    def done(self, now_s: float) -> bool:
        return self.ready_at is not None and now_s >= self.ready_at


@dataclass
class SsoTicket:
    """Single use, 60 s, for one application behind the gateway."""

    subject_id: str
    target_app: str
    expires_at: float
    used: bool = False


@dataclass
class SsoToken:
    """What a ticket buys: lives longer and may be shown many times."""

    subject_id: str
    expires_at: float


@dataclass
class Move:
    """One line of a case's track."""

    at_s: float
    before: str
    after: str
    note: str
    seq: int


@dataclass
class Case:
    """A case as the province keeps it. `request_key` is the caller's Idempotency-Key."""

    case_no: str
    item: dict[str, Any]
    subject_id: str
    request_key: str
    accept_region: str
    channel: str
    form: dict[str, Any] = field(repr=False)
    submitted_at: float
    state: str = "SUBMITTED"
    result: str = ""
    suspended: bool = False
    track: list[Move] = field(default_factory=list)

    @property
    def seq(self) -> int:
        return self.track[-1].seq if self.track else 0


@dataclass
class Remembered:
    """An answer given under an Idempotency-Key, to be given again to the same body."""

    digest: str
    data: Any = field(repr=False)


@dataclass
class Sent:
    """A callback event and what became of it: QUEUED, DELIVERED, RETRYING or DEAD."""

    event_id: str
    label: str
    about: str
    body: bytes = field(repr=False)
    at_s: float
    attempts: int = 0
    state: str = "QUEUED"


@dataclass
class Script:
    """How the province behaves by itself; set by POST /sim/v1/province/script."""

    face_delay_s: float = 0.3
    face_copies: int = 1
    face_stale: bool = False
    case_copies: int = 1
    digest: str = "sha256"


FIRST_SERIALS = 90_000_000  # the serial has eight digits


class World:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.reset()

    def reset(self) -> None:
        self.nonces: dict[str, float] = {}
        self.subjects: dict[str, Person] = {person.subject_id: person for person in EVERYBODY}
        self.checks: dict[str, Check] = {}
        self.tickets: dict[str, SsoTicket] = {}
        self.tokens: dict[str, SsoToken] = {}
        self.cases: dict[str, Case] = {}
        self.replacements: dict[str, dict[str, Any]] = {}
        self.executions: dict[str, int] = {}
        self.answers: dict[tuple[str, str], Remembered] = {}
        self.sent: dict[str, Sent] = {}
        self.script = Script()
        # Our database outlives this process, and a real province never gives out a number twice.
        self.serial = secrets.randbelow(FIRST_SERIALS)
        # Ends every scripted hang of the world before, so a reset never leaves threads behind.
        previous: threading.Event | None = getattr(self, "released", None)
        self.released = threading.Event()
        if previous is not None:
            previous.set()

    def next_serial(self) -> int:
        self.serial += 1
        return self.serial

    def seen_before(self, nonce: str, now_s: float) -> bool:
        """Remember the nonce; True when it was already here within the memory."""
        # A dict keeps the order of arrival, so only its front can be old: no walk through all of it on each call.
        while self.nonces and next(iter(self.nonces.values())) < now_s - NONCE_MEMORY_S:
            del self.nonces[next(iter(self.nonces))]
        if nonce in self.nonces:
            return True
        self.nonces[nonce] = now_s
        return False
