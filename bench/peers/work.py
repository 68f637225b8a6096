"""The work list every peer does for every call, apart from its framework, HTTP client and drivers.

    bearer token -> session and rate limit in one EVALSHA -> registry: path and level -> signature over the upstream
    request -> (forward over HTTP) -> envelope read, data returned -> exchange row, written in batches

Written from the contract, sharing no line with the application, and leaner than it wherever the contract allows: one
region, one kind of refusal body, no metrics, no breaker, no log. What is left out makes the peers faster, not slower.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

WORLD: dict[str, Any] = json.loads(Path(os.environ["BENCH_WORLD"]).read_text(encoding="utf-8"))
TABLE = os.environ["BENCH_TABLE"]
DATABASE = WORLD["database"]
REDIS = WORLD["redis"]
FLUSH_S = 0.2
CALL = re.compile(r"/v1/services/([^/]+)/call(/.*)")
TOKEN = re.compile(r"tbs_[A-Za-z0-9_-]{43}")

# Session look-up and token bucket (the instant at which the bucket would be full again), as the application has it.
SCRIPT = """
local session = redis.call('GET', KEYS[1])
if not session then return {'', 0} end
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local full = tonumber(redis.call('GET', KEYS[2]) or '0')
if full < now then full = now end
local next_full = full + tonumber(ARGV[1])
local wait = next_full - tonumber(ARGV[1]) * tonumber(ARGV[2]) - now
if wait > 0 then return {session, math.ceil(wait)} end
redis.call('SET', KEYS[2], string.format('%.0f', next_full), 'PX', math.ceil((next_full - now) / 1000) + 1000)
return {session, 0}
"""
LIMIT = (WORLD["interval_us"], WORLD["burst"])
COLUMNS = (
    "id", "tenant_id", "service_id", "version", "citizen_ref", "method", "path_template", "outcome", "reason",
    "upstream_status", "request_digest", "response_digest", "started_at", "elapsed_ms", "idempotency_ref", "request_id",
)  # fmt: skip


class Operation(NamedTuple):
    matcher: "re.Pattern[str]"
    pattern: str


class Service(NamedTuple):
    id: str
    level: int
    base_url: str
    prefix: str
    region: str
    operations: tuple[Operation, ...]


def _service(row: dict[str, Any]) -> Service:
    patterns = tuple(Operation(re.compile(re.sub(r"\{\w+\}", "[^/]+", text)), text) for text in row["patterns"])
    return Service(row["id"], row["level"], row["base_url"], row["prefix"], row["region"], patterns)


REGISTRY = {row["id"]: _service(row) for row in WORLD["services"]}


class Refused(Exception):
    """The caller's answer: a status and a word."""

    def __init__(self, status: int, code: str, retry_after_s: int = 0) -> None:
        super().__init__(code)
        self.status = status
        self.body = orjson.dumps({"status": status, "code": code})
        self.headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}


class Going(NamedTuple):
    """A call that may go on."""

    url: str
    headers: dict[str, str]
    service: Service
    pattern: str
    account: str
    request_id: str
    digest: str
    started_at: datetime
    started: float


def keys_of(authorization: str | None) -> tuple[str, str]:
    """The two Redis keys of the bearer token."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not TOKEN.fullmatch(token):
        raise Refused(401, "unauthenticated")
    digest = hashlib.sha256(token.encode()).hexdigest()
    return f"peer:session:{digest}", f"peer:limit:{TABLE}:{digest}"


def decide(reply: list[Any], app: str | None, path: str, request_id: str | None) -> Going:
    """What EVALSHA said, against the registry."""
    if not reply[0]:
        raise Refused(401, "unauthenticated")
    session = orjson.loads(reply[0])
    if session["app"] != app or session["exp"] < time.time():
        raise Refused(401, "unauthenticated")
    if reply[1]:
        raise Refused(429, "too_many_requests", max(1, -(-int(reply[1]) // 1_000_000)))
    found = CALL.fullmatch(path)
    service = REGISTRY.get(found[1]) if found else None
    if found is None or service is None:
        raise Refused(404, "not_found")
    pattern = next((one.pattern for one in service.operations if one.matcher.fullmatch(found[2])), None)
    if pattern is None:
        raise Refused(404, "operation_not_offered")
    if session["level"] < service.level:
        raise Refused(403, "assurance_too_low")
    return _going(service, pattern, found[2], session, request_id or secrets.token_hex(16))


def _going(service: Service, pattern: str, path: str, session: dict[str, Any], request_id: str) -> Going:
    target = service.prefix + path
    headers = {
        "Accept": "application/json", "X-Request-Id": request_id, "X-Channel": session["app"].partition("/")[0],
        "X-Region": service.region, **signed(),
    }  # fmt: skip
    digest = hashlib.sha256(f"GET {path}?\n".encode()).hexdigest()
    return Going(
        service.base_url + target, headers, service, pattern, session["account"], request_id, digest,
        datetime.now(UTC), time.monotonic(),
    )  # fmt: skip


def signed() -> dict[str, str]:
    """The tif headers: hex SHA-256 over timestamp, token, nonce, timestamp."""
    stamp, nonce = str(int(time.time())), secrets.token_hex(12)
    text = f"{stamp}{WORLD['paas_token']}{nonce}{stamp}"
    return {
        "x-tif-paasid": WORLD["paas_id"],
        "x-tif-timestamp": stamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": hashlib.sha256(text.encode()).hexdigest(),
    }


def answer(status: int, content_type: str, body: bytes) -> bytes:
    """The data out of the upstream's envelope, in ours."""
    if status != 200 or content_type.partition(";")[0] != "application/json":
        raise Refused(502, "upstream_garbled")
    envelope = orjson.loads(body)
    if envelope.get("errcode") != 0:
        raise Refused(502, "upstream_refused")
    return orjson.dumps({"data": envelope["data"]})


def row_of(going: Going, status: int, body: bytes) -> tuple[Any, ...]:
    """The exchange row, in the order of COLUMNS."""
    return (
        "ex_" + secrets.token_hex(13), "province", going.service.id, 1, going.account, "GET", going.pattern, "ANSWERED",
        "", status, _kept(going.digest), _kept(hashlib.sha256(body).hexdigest()), going.started_at,
        round((time.monotonic() - going.started) * 1000), "", going.request_id,
    )  # fmt: skip


def _kept(digest: str) -> str:
    return hmac.digest(b"peer", digest.encode(), "sha256").hex()
