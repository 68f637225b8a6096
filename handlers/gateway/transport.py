"""Carrying one call to its upstream and sorting what came back. Called by calls.py with a Forward of the road.

Every header that leaves is written here, from nothing: a client's header has no way through. The answer is believed
only as far as its envelope can be read; no byte of a bad answer is kept, logged or relayed (X10).

    ANSWERED   `data` on a yes; on a no, `code` is their word and `problem` says how we put it
    NOT_SENT   the upstream saw nothing, or said so itself (429, 503 with Retry-After)
    UNKNOWN    bytes left, and whether a write was executed cannot be known
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.core import clock, http, strictjson
from app.core.errors import NotSent, OutcomeUnknown
from app.core.log import get_log
from app.platforms.schemes.base import ENVELOPES, BadEnvelope, CallParts, unwrap
from handlers.gateway import breaker
from handlers.gateway.manifest import SUBJECT
from handlers.gateway.models import ANSWERED, NOT_SENT, UNKNOWN
from handlers.gateway.road import Forward
from handlers.gateway.speakers import CREDENTIALS, SCHEMES

log = get_log("gateway")

JSON: Final = "application/json"
CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MOST_RETRY_AFTER_S: Final = 3600
USUAL_RETRY_AFTER_S: Final = 10
SILENCES: Final = frozenset({"timeout", "reset", "connect", "connect_timeout", "dns", "dns_timeout", "tls_timeout"})

OK, REDIRECT, CLIENT_ERROR, SERVER_ERROR = 200, 300, 400, 500
UNAUTHORIZED, TOO_MANY, BUSY = 401, 429, 503


@dataclass(frozen=True, slots=True)
class Person:
    """Who the call is made for, as far as the service is told: a ticket of the province, and the declared fields."""

    ticket: str = field(default="", repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


NOBODY: Final = Person()


@dataclass(frozen=True, slots=True)
class Heard:
    """How a call ended. `problem` "" is a yes; `digest` is the SHA-256 of the answer's body."""

    outcome: str
    problem: str = ""
    reason: str = ""
    status: int | None = None
    data: Any = field(default=None, repr=False)
    code: str = ""
    retry_after_s: int = 0
    digest: str = ""
    elapsed_ms: int = 0


def speak(forward: Forward, person: Person, *, request_id: str, channel: str, key: str) -> Heard:
    """One attempt. Never raises for what an upstream can do. `key` goes out as Idempotency-Key of a write."""
    service, now = forward.service, clock.monotonic()
    gate = breaker.of(service.id)
    if not gate.enter(service.manifest.upstream.concurrency, now):
        return Heard(NOT_SENT, "upstream_unavailable", "busy", retry_after_s=gate.wait_s(now))
    heard = Heard(UNKNOWN, reason="aborted")
    try:
        heard = _spoken(forward, _call(forward, person, request_id, channel, key), now)
    finally:
        gate.leave(answered=heard.reason not in SILENCES, now=clock.monotonic())
    return heard


def _spoken(forward: Forward, call: http.Call, started: float) -> Heard:
    write = forward.operation.write
    try:
        answer = http.send(call)
    except NotSent as error:
        log.warning("upstream_not_reached", service_id=forward.service.id, reason=error.reason)
        return Heard(NOT_SENT, "upstream_unavailable", error.reason, retry_after_s=USUAL_RETRY_AFTER_S)
    except OutcomeUnknown as error:
        elapsed_ms = round((clock.monotonic() - started) * 1000)
        return Heard(UNKNOWN, _unknown(error.reason, write=write), error.reason, elapsed_ms=elapsed_ms)
    return _sorted(answer, forward)


def _unknown(reason: str, *, write: bool) -> str:
    if write:
        return "outcome_unknown"
    return "upstream_timeout" if reason == "timeout" else "upstream_garbled"


def _call(forward: Forward, person: Person, request_id: str, channel: str, key: str) -> http.Call:
    upstream, method = forward.service.manifest.upstream, forward.operation.method
    path = upstream.path_prefix + forward.path
    target = f"{path}?{forward.query}" if forward.query else path
    body = _body(forward, person)
    headers = {"Accept": JSON, "X-Request-Id": request_id, "X-Channel": channel, "X-Region": forward.region}
    if body is not None:
        headers["Content-Type"] = JSON
    if key:
        headers["Idempotency-Key"] = key
    if person.ticket:
        headers["X-Subject-Token"] = person.ticket
    scheme, credential = SCHEMES[upstream.scheme], CREDENTIALS[upstream.credential]()
    headers |= scheme.sign(credential, CallParts(method, target, body or b""))
    return http.Call(
        method, upstream.base_url + target, headers, body, "upstream", forward.service.manifest.slug,
        upstream.connect_s, upstream.first_byte_s, upstream.total_s,
    )  # fmt: skip


def _body(forward: Forward, person: Person) -> bytes | None:
    if not forward.operation.write:
        return None
    members = dict(forward.body or {})
    if person.fields:
        members[SUBJECT] = dict(person.fields)
    return strictjson.dumps(members) if members else None


def _sorted(answer: http.Answer, forward: Forward) -> Heard:
    """By status first: what a status says of a write's execution must not depend on a body that may be rubbish."""
    status = answer.status
    if status >= SERVER_ERROR or status in {UNAUTHORIZED, TOO_MANY}:
        return _faulty(answer, forward)
    if OK <= status < REDIRECT or status >= CLIENT_ERROR:
        return _told(answer, forward)
    return _unread(answer, forward, "redirect")


def _told(answer: http.Answer, forward: Forward) -> Heard:
    """A 2xx or 4xx by its envelope. A 4xx is a definite no even in words that cannot be read."""
    try:
        told = unwrap(ENVELOPES[forward.service.manifest.upstream.envelope], _parsed(answer))
    except (strictjson.InvalidJson, BadEnvelope):
        told = None
    refused = answer.status >= CLIENT_ERROR
    if told is None and not refused:
        return _unread(answer, forward, "garbled")
    if told is not None and not told.ok:
        return _ended(answer, ANSWERED, "upstream_refused", "refused", code=_word(told.code))
    if told is None or refused:
        return _ended(answer, ANSWERED, "upstream_garbled", f"http_{answer.status}")
    return _ended(answer, ANSWERED, "", "", data=told.data)


def _unread(answer: http.Answer, forward: Forward, reason: str) -> Heard:
    log.warning("upstream_garbled", service_id=forward.service.id, status=answer.status, reason=reason)
    if forward.operation.write:
        return _ended(answer, UNKNOWN, "outcome_unknown", reason)
    return _ended(answer, ANSWERED, "upstream_garbled", reason)


def _faulty(answer: http.Answer, forward: Forward) -> Heard:
    status = answer.status
    retry_after_s = _retry_after(answer)
    if status == UNAUTHORIZED:  # our signature or ticket, nothing a citizen could mend
        log.error("upstream_refused_us", service_id=forward.service.id, status=status)
        return _ended(answer, NOT_SENT, "upstream_unavailable", "http_401", retry_after_s=USUAL_RETRY_AFTER_S)
    if status == TOO_MANY or (status == BUSY and retry_after_s):
        wait = retry_after_s or USUAL_RETRY_AFTER_S
        return _ended(answer, NOT_SENT, "upstream_unavailable", f"http_{status}", retry_after_s=wait)
    # Any other fault may have come after the act (RFC 9110 says nothing of what a 500 left behind).
    if forward.operation.write:
        return _ended(answer, UNKNOWN, "outcome_unknown", f"http_{status}")
    return _ended(
        answer, ANSWERED, "upstream_unavailable", f"http_{status}", retry_after_s=retry_after_s or USUAL_RETRY_AFTER_S
    )


def _ended(answer: http.Answer, outcome: str, problem: str, reason: str, **more: Any) -> Heard:
    digest = hashlib.sha256(answer.body).hexdigest()
    return Heard(
        outcome, problem, reason, answer.status, digest=digest, elapsed_ms=round(answer.elapsed_s * 1000), **more
    )


def _parsed(answer: http.Answer) -> Any:
    kind = answer.headers.get("content-type", "")
    if kind != JSON and kind.partition(";")[0].strip().lower() != JSON:
        raise strictjson.InvalidJson("content_type")
    return strictjson.loads(answer.body, max_bytes=10 * http.MIB, integers="platform")


def _word(code: str) -> str:
    """Their code as a word, or none: nothing else of a refusal is relayed."""
    return code if CODE.fullmatch(code) else "other"


def _retry_after(answer: http.Answer) -> int:
    text = answer.headers.get("retry-after", "")
    return min(int(text), MOST_RETRY_AFTER_S) if text.isascii() and text.isdigit() and len(text) < 9 else 0  # noqa: PLR2004  seconds, not a date
