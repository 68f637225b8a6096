"""The wire to the province's neutral contract (province.md 3.1): signed, one envelope, codes sorted by what to do.

Called by the other modules of this folder only. It never retries, with one exception that cannot execute anything
twice: a call refused at the door for its signature or clock is signed once more, by the province's own time.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from app.core import http, log, strictjson
from app.core.errors import PlatformMisconfigured
from app.core.ids import new_id
from app.platforms.province import codes
from app.platforms.schemes.base import ENVELOPES, BadEnvelope, CallParts, Credential, Unwrapped, unwrap
from app.platforms.schemes.tif import TIF
from config.settings import get_settings

CONTRACT: Final = "/v1"
ANSWER_LIMIT_BYTES: Final = 4 * 1024 * 1024
LONGEST_WAIT_S: Final = 3600
MOST_SKEW_MS: Final = 24 * 3600 * 1000

logger = log.get_log("province")


@dataclass(frozen=True)
class Ask:
    """One call. `effect`: it changes something at the province. `key`: its Idempotency-Key. `path` is ready to send."""

    operation: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    key: str = ""
    channel: str = ""
    region: str = ""
    effect: bool = False
    resign: bool = True


@dataclass(frozen=True)
class Told:
    """The data of a good answer; `cursor` of the next page, None at the end or where there are no pages."""

    data: Any = field(repr=False)
    cursor: str | None = None


@dataclass(frozen=True)
class _Heard:
    verdict: Unwrapped
    trace: str
    their_ms: int | None
    wait_s: int
    cursor: str | None


def ask(call: Ask) -> Told:
    """Raises NotSent, OutcomeUnknown, or the PlatformError that codes.py sorts the answer into."""
    heard = _exchange(call, None)
    if not heard.verdict.ok and call.resign and int(heard.verdict.code) in codes.RESIGN:
        logger.warning("province_resign", operation=call.operation, code=heard.verdict.code, trace=heard.trace)
        heard = _exchange(call, heard.their_ms)
    if heard.verdict.ok:
        return Told(heard.verdict.data, heard.cursor)
    error = codes.failure(
        call.operation, int(heard.verdict.code), effect=call.effect, trace=heard.trace, wait_s=heard.wait_s
    )
    logger.warning(
        "province_refused",
        operation=call.operation,
        code=heard.verdict.code,
        trace=heard.trace,
        error=type(error).__name__,
    )
    raise error


def _exchange(call: Ask, their_ms: int | None) -> _Heard:
    base = get_settings().province_base_url.rstrip("/")
    if not base:
        raise PlatformMisconfigured(codes.PLATFORM, call.operation, "no_base_url")
    answer = http.send(
        http.Call(
            method=call.method,
            url=base + CONTRACT + call.path + (f"?{urlencode(call.query)}" if call.query else ""),
            headers=_headers(call, their_ms),
            body=strictjson.dumps(call.body) if call.body is not None else None,
            platform=codes.PLATFORM,
            operation=call.operation,
            max_bytes=ANSWER_LIMIT_BYTES,
        )
    )
    return _read(call, answer)


def _headers(call: Ask, their_ms: int | None) -> dict[str, str]:
    settings = get_settings()
    credential = Credential(settings.province_paas_id, settings.province_paas_token.get_secret_value())
    parts = CallParts(call.method, call.path, b"")
    headers = {
        "Accept": "application/json",
        "X-Request-Id": log.request_id.get() or new_id("rq"),
        **TIF.sign(credential, parts, at_s=None if their_ms is None else their_ms // 1000),
    }
    given = {"X-Channel": call.channel, "X-Region": call.region, "Idempotency-Key": call.key}
    headers |= {name: value for name, value in given.items() if value}
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    return headers


def _read(call: Ask, answer: http.Answer) -> _Heard:
    wait_s = _wait_s(answer.headers.get("Retry-After", ""))
    try:
        envelope = strictjson.loads(answer.body, max_bytes=ANSWER_LIMIT_BYTES, integers="platform")
        verdict = unwrap(ENVELOPES["province"], envelope)
        int(verdict.code)
    except (strictjson.InvalidJson, BadEnvelope, ValueError):
        raise codes.unreadable(call.operation, answer.status, effect=call.effect, wait_s=wait_s) from None
    # A yes in the envelope of an error page is no yes.
    if verdict.ok and answer.status != 200:  # noqa: PLR2004  the contract: code 0 comes with HTTP 200
        raise codes.unreadable(call.operation, answer.status, effect=call.effect, wait_s=wait_s)
    return _Heard(verdict, _text(envelope.get("requestId")), _their_ms(envelope), wait_s, _cursor(envelope))


def _their_ms(envelope: Mapping[str, Any]) -> int | None:
    """The province's clock, to sign by after 40102; a time a day off is no clock error but nonsense."""
    stated = envelope.get("ts")
    if type(stated) is not int or abs(stated - time.time() * 1000) > MOST_SKEW_MS:
        return None
    return stated


def _cursor(envelope: Mapping[str, Any]) -> str | None:
    page = envelope.get("page")
    if not isinstance(page, dict) or page.get("hasMore") is not True:
        return None
    return _text(page.get("cursor")) or None


def _wait_s(value: str) -> int:
    readable = value.isascii() and value.isdigit() and len(value) < 7  # noqa: PLR2004  a million seconds is no advice
    return min(int(value), LONGEST_WAIT_S) if readable else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
