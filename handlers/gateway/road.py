"""The road: whether a call may pass and what exactly goes on. Pure: everything it needs comes in, no I/O, no clock.

    decide(service, citizen, asked, now) -> Forward | Refuse

Rules X5, X6, X11, X12 of security.md are decided here, once, for every front that serves the road. A Forward holds no
header and no credential of the caller: what goes out is written from it by transport.py, so nothing can slip through.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from app.core import strictjson
from app.core.egress import BadPath
from app.core.errors import FieldError
from app.core.principal import Principal
from handlers.gateway import paths
from handlers.gateway.manifest import SUBJECT, Manifest, Operation
from handlers.gateway.manifest_schema import TICKET

MAX_BODY: Final = 2 * 1024 * 1024
REGION: Final = re.compile(r"[0-9]{12}")
KEY: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
REGION_ENDS: Final = (2, 4, 6, 9, 12)


@dataclass(frozen=True, slots=True)
class Published:
    """A service that is live: its manifest and the level it asks for, which its items may raise."""

    id: str
    tenant_id: str
    version: int
    manifest: Manifest = field(repr=False)
    level: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What came in, as it came: path below /call and query still encoded. Other headers are not even read."""

    method: str
    raw_path: str = field(repr=False)
    raw_query: str = field(default="", repr=False)
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    idempotency_key: str | None = None
    region: str = ""


@dataclass(frozen=True, slots=True)
class Forward:
    """What may go on. `path` and `query` are in our own spelling; `body` is the parsed object, None without one."""

    service: Published
    operation: Operation
    path: str = field(repr=False)
    query: str = field(repr=False)
    body: Mapping[str, Any] | None = field(repr=False)
    idempotency_key: str
    region: str
    digest: str

    @property
    def needs_ticket(self) -> bool:
        return self.operation.identity == TICKET

    @property
    def declared(self) -> tuple[str, ...]:
        """The fields this call hands over: only a write has a body for them to travel in."""
        return tuple(one.name for one in self.service.manifest.fields) if self.operation.write else ()

    @property
    def is_plain(self) -> bool:
        """A read that hands over nobody: no SQL, no ticket, evidence in batches."""
        return not self.operation.write and not self.needs_ticket


@dataclass(frozen=True, slots=True)
class Refuse:
    """A problem code, and what makes it useful. For assurance_too_low, the level and age that would do."""

    code: str
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: Mapping[str, object] = field(default_factory=dict)
    level: int = 0
    max_age_s: int | None = None


class _Refused(Exception):
    def __init__(self, refusal: Refuse) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def decide(service: Published, citizen: Principal, asked: Asked, now: datetime) -> Forward | Refuse:
    """Order matters: where it is offered, what is asked, who asks, then what they send."""
    try:
        region = _region(service.manifest, citizen.channel, asked.region)
        path = _path(asked.raw_path)
        operation = _operation(service.manifest, asked.method, path)
        query = _query(asked.raw_query, operation)
        _require_proof(service, operation, citizen, now)
        body = _body(asked, operation)
        key = _key(asked, operation)
    except _Refused as refused:
        return refused.refusal
    digest = _digest(asked.method, path, query, strictjson.canonical(body) if body else b"")
    return Forward(service, operation, path, query, body, key, region, digest)


def _region(manifest: Manifest, channel: str, given: str) -> str:
    region = given or manifest.regions[0]
    if channel not in manifest.channels or not covers(manifest.regions, region):
        raise _Refused(Refuse("service_not_offered"))
    return region


def covers(regions: tuple[str, ...], region: str) -> bool:
    """A service registered for a region serves every region under it."""
    if region in regions:
        return True
    return REGION.fullmatch(region) is not None and any(region[:end].ljust(12, "0") in regions for end in REGION_ENDS)


def _path(raw_path: str) -> str:
    try:
        return paths.checked(raw_path)
    except BadPath as error:
        raise _Refused(Refuse("path_refused", detail={"reason": error.reason})) from None


def _operation(manifest: Manifest, method: str, path: str) -> Operation:
    found = [one for one in manifest.operations if one.matcher.fullmatch(path)]
    for operation in found:
        if operation.method == method:
            return operation
    if not found:
        raise _Refused(Refuse("operation_not_offered"))
    allowed = ", ".join(sorted({one.method for one in found}))
    raise _Refused(Refuse("method_not_allowed", headers={"Allow": allowed}))


def _query(raw_query: str, operation: Operation) -> str:
    try:
        return paths.rewritten_query(raw_query, operation.query) if raw_query else ""
    except paths.BadQuery as error:
        if error.reason == "repeated":
            raise _Refused(Refuse("repeated_parameter")) from None
        raise _Refused(Refuse("invalid_fields", errors=(FieldError(error.name or "query", error.reason),))) from None


def _require_proof(service: Published, operation: Operation, citizen: Principal, now: datetime) -> None:
    max_age_s = operation.max_age_s or service.manifest.max_age_s
    if service.level <= 1:
        return
    youngest = max((at for proved, at in citizen.levels.items() if proved >= service.level), default=None)
    if youngest is None or (max_age_s is not None and now - youngest > timedelta(seconds=max_age_s)):
        raise _Refused(Refuse("assurance_too_low", level=service.level, max_age_s=max_age_s))


def _key(asked: Asked, operation: Operation) -> str:
    if not operation.write:
        return ""
    if asked.idempotency_key is None or KEY.fullmatch(asked.idempotency_key) is None:
        raise _Refused(Refuse("idempotency_key_required"))
    return asked.idempotency_key


def _body(asked: Asked, operation: Operation) -> Mapping[str, Any] | None:
    if not asked.body:
        return None
    if not operation.write:
        raise _Refused(Refuse("bad_request", detail={"reason": "body"}))
    if asked.content_type.partition(";")[0].strip().lower() != "application/json":
        raise _Refused(Refuse("unsupported_media_type"))
    try:
        body = strictjson.loads(asked.body, max_bytes=MAX_BODY)
    except strictjson.InvalidJson as error:
        raise _Refused(Refuse("invalid_json", detail={"reason": error.reason})) from None
    if not isinstance(body, dict):
        raise _Refused(Refuse("invalid_fields", errors=(FieldError("body", "type"),)))
    if SUBJECT in body:  # ours to write: a citizen does not say who the citizen is (X6, X11)
        raise _Refused(Refuse("invalid_fields", errors=(FieldError(SUBJECT, "reserved"),)))
    return body


def _digest(method: str, path: str, query: str, body: bytes) -> str:
    return hashlib.sha256(f"{method} {path}?{query}\n".encode() + body).hexdigest()
