"""How refusals look: RFC 9457 problem+json with a stable code, the request id, and errors[] by field (P12).

Nothing of an exception reaches the caller. A 500 is always a bug and is logged with its class and place.
"""

from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]  # it ships no types
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSilent
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from app.core import log, strictjson
from app.core.errors import FieldError, Problem

logger = log.get_log("edge")
LANGUAGES = ("zh-CN", "zh", "en")
# A store is away, or its pool is: the caller comes back, nobody is paged for a bug.
AWAY = (OperationalError, PoolTimeoutError, RedisAway, RedisSilent)
COME_BACK_S = 5  # where nobody knows better
WAITING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
# werkzeug's refusals in our words; anything else in the 400s is a bad request.
CODES = {
    400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    406: "not_acceptable", 409: "conflict", 412: "precondition_failed", 413: "too_large", 414: "bad_request",
    415: "unsupported_media_type", 422: "invalid_fields", 428: "precondition_required", 429: "too_many_requests",
    500: "internal_error", 503: "unavailable",
}  # fmt: skip


def english() -> bool:
    """Chinese unless the caller prefers English."""
    return request.accept_languages.best_match(LANGUAGES, "zh-CN") == "en"


def render(problem: Problem) -> Response:
    text = problem.text
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(text.status).phrase,
        "status": text.status,
        "code": problem.code,
        "detail": text.en if english() else text.zh,
        "request_id": log.request_id.get(),
    }
    if problem.errors:
        body["errors"] = [error._asdict() for error in problem.errors]
    body |= problem.detail
    response = Response(strictjson.dumps(body), status=text.status, content_type="application/problem+json")
    response.headers.extend(problem.headers)
    if text.status in WAITING:
        response.headers.setdefault("Retry-After", str(COME_BACK_S))
    response.headers["Content-Language"] = "en" if english() else "zh-CN"
    response.headers["Cache-Control"] = "no-store"
    return response


def field_errors(messages: Any, path: str = "") -> list[FieldError]:
    """Webargs nests by location, field and index; the outermost level (json, query) is not part of the path."""
    if isinstance(messages, dict):
        return [
            error
            for name, inner in messages.items()
            for error in field_errors(inner, f"{path}.{name}" if path else str(name))
        ]
    return [FieldError(path, _word(str(text))) for text in (messages if isinstance(messages, list) else [messages])]


# marshmallow's sentences become stable words, so that a client can branch and a library upgrade changes no contract.
WORDS = (
    ("missing data", "required"), ("unknown field", "unknown"), ("null", "null"), ("length", "length"),
    ("longer than", "length"), ("shorter than", "length"), ("must be one of", "choice"), ("not a valid", "type"),
    ("invalid input type", "type"), ("must be greater", "range"), ("must be less", "range"), ("pattern", "format"),
)  # fmt: skip


def _word(sentence: str) -> str:
    lower = sentence.lower()
    return next((word for part, word in WORDS if part in lower), "invalid" if " " in sentence else sentence)


def from_http(error: HTTPException) -> Problem:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    messages = getattr(error, "data", {}).get("messages", {}) if hasattr(error, "data") else {}
    fields = [item for inner in messages.values() for item in field_errors(inner)] if isinstance(messages, dict) else []
    headers = {"Allow": ", ".join(sorted(error.valid_methods or ()))} if hasattr(error, "valid_methods") else {}
    return Problem(CODES.get(status, "bad_request"), errors=fields, headers=headers)


def _on_http(error: HTTPException) -> Response:
    if isinstance(error.response, Response):
        return error.response
    return render(from_http(error))


def away(error: Exception, route: str) -> Problem:
    """What a store that does not answer means to the caller; written down by class only, its text holds addresses."""
    logger.warning("store_away", error=type(error).__name__, route=route)
    return Problem("unavailable")


def _on_away(error: Exception) -> Response:
    return render(away(error, str(request.url_rule or "")))


def _on_bug(error: Exception) -> Response:
    logger.error("unhandled", exc_info=error, method=request.method, route=str(request.url_rule or ""))
    return render(Problem("internal_error"))


def _on_bad_framing(_error: Exception) -> Response:
    """Gunicorn parses chunks as they are read, inside the view: a chunk that is none is the caller's mistake."""
    return render(Problem("bad_request"))


def install(flask_app: Flask) -> None:
    flask_app.register_error_handler(ParseException, _on_bad_framing)
    flask_app.register_error_handler(Problem, render)
    flask_app.register_error_handler(HTTPException, _on_http)
    for store_error in AWAY:
        flask_app.register_error_handler(store_error, _on_away)
    flask_app.register_error_handler(Exception, _on_bug)
