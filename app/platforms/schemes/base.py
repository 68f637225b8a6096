"""How an upstream wants to be spoken to: the protocol of a signing scheme, and replies unwrapped by table.

Called by the province client and by the gateway's road. A scheme holds no state and opens no socket: credential and
call parts in, headers out. Remembering nonces is the caller's, because only the caller has a store.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Credential:
    """What one upstream issued to us: `key_id` names us, `secret` never travels."""

    key_id: str
    secret: str = field(repr=False)


class CallParts(NamedTuple):
    """The parts of a call a scheme may cover. `path` is the raw target as sent, with the query where there is one."""

    method: str
    path: str
    body: bytes


NO_PARTS: Final = CallParts("GET", "/", b"")


class Proof(NamedTuple):
    """A signature that verified. Remember `nonce` for at least twice the window; `identity` only where signed over."""

    nonce: str
    at_s: int
    identity: Mapping[str, str]


class SignatureRefused(Exception):
    """An inbound signature did not verify. `reason`: missing, format, key, window or signature; for our log only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UpstreamScheme(Protocol):
    """One way of signing. `at_s` (Unix seconds) and `nonce` are given by tests and by a second try with mended time."""

    @property
    def name(self) -> str: ...

    @property
    def window_s(self) -> int: ...

    def sign(
        self, credential: Credential, parts: CallParts, *, at_s: int | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """The headers to add. Called anew for every attempt: windows are short and a nonce counts once."""
        ...

    def verify_inbound(
        self, credential: Credential, parts: CallParts, headers: Mapping[str, str], *, at_s: int
    ) -> Proof:
        """Raises SignatureRefused. `headers` by lower-case name; `at_s` is the time now."""
        ...


# ---- replies ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a reply keeps its verdict. Paths are dotted; `data_text` = the data may be JSON inside a string."""

    verdict: str
    accepted: tuple[str | int | bool, ...]
    message: str
    data: str
    data_text: bool = False


class Unwrapped(NamedTuple):
    """`code` is their verdict as text; `data` is None on a refusal."""

    ok: bool
    code: str
    message: str
    data: Any


class BadEnvelope(ValueError):
    """The reply has no verdict where the table says one is: treat it as garbled, never as a yes."""


# province.md 2.14. What counts as success differs more between provinces than how they sign.
ENVELOPES: Final[Mapping[str, Envelope]] = {
    "province": Envelope("code", (0,), "message", "data"),
    "tif": Envelope("errcode", (0,), "errmsg", "data"),
    "zlb-ticket": Envelope("success", (True,), "errorMsg", "data"),
    "mzt": Envelope("success", (True, "true"), "msg", "data", data_text=True),
    "jis": Envelope("retcode", ("000000",), "msg", "data", data_text=True),
    "jmas": Envelope("code", ("200",), "message", "data", data_text=True),
    "gjgx": Envelope("code", ("0",), "message", "data"),
    "licence-app": Envelope("ack_code", ("SUCCESS",), "errors.0", "data"),
}

_ABSENT: Final = object()


def unwrap(envelope: Envelope, reply: object) -> Unwrapped:
    """Read a parsed reply by its table row. Raises BadEnvelope when the verdict is missing or of another type.

    `"0"` where 0 was agreed may well be meant as a yes: read as a no, it would let a write be tried again.
    """
    verdict = _at(reply, envelope.verdict)
    if type(verdict) not in {type(value) for value in envelope.accepted}:  # exact: in Python True is an int
        raise BadEnvelope(envelope.verdict)
    ok = verdict in envelope.accepted
    message = _at(reply, envelope.message)
    return Unwrapped(
        ok, str(verdict), message if isinstance(message, str) else "", _data(envelope, reply) if ok else None
    )


def _data(envelope: Envelope, reply: object) -> Any:
    data = _at(reply, envelope.data)
    if data is _ABSENT:
        return None
    if envelope.data_text and isinstance(data, str):
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadEnvelope(envelope.data) from error
    return data


def _at(reply: object, path: str) -> object:
    found = reply
    for step in path.split("."):
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            return _ABSENT
    return found
