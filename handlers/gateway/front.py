"""The road's front: from a WSGI environment to a reply. `install` puts it before Flask's dispatch.

The proxied call is the busiest path of the house, and most of what Flask would do for it (routing, hooks, request and
response objects) is not needed. Everything that decides is in gate, road and calls; the Flask view of the same route
calls `answer` too, so there is one way through whoever serves it. Refusals are rendered by the edge, as everywhere.
"""

import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, NoReturn

from flask import Flask

from app.core import clock, log, metrics
from app.core.edge import problems
from app.core.edge.callers import TOKEN_PARAMETERS
from app.core.edge.requests import ID_FORM
from app.core.errors import Problem
from app.core.principal import Principal
from handlers.gateway import calls, gate, paths, registry, road
from handlers.gateway.replies import JSON, Reply
from identity import assurance

logger = log.get_log("gateway")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]

ROUTE: Final = "/v1/services/<service_id>/call/<path:path>"
MINE: Final = re.compile(r"/v1/services/[^/]*/call/")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
SAFE: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
STATUS_LINES: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def install(flask_app: Flask) -> None:
    """Answer proxied calls before Flask's dispatch; every other path goes on to it."""
    inner: Wsgi = flask_app.wsgi_app

    def outer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if MINE.match(environ["PATH_INFO"]) is None:
            return inner(environ, start_response)
        reply = answer(flask_app, environ)
        headers = [("Content-Length", str(len(reply.body))), *reply.headers.items()]
        start_response(STATUS_LINES[reply.status], headers)
        return (reply.body,)

    flask_app.wsgi_app = outer  # type: ignore[method-assign]  # the documented place for WSGI middleware


def answer(flask_app: Flask, environ: Environ) -> Reply:
    """One proxied call, whole. Never raises."""
    started = time.monotonic()
    given = environ.get("HTTP_X_REQUEST_ID", "")
    request_id = given if ID_FORM.fullmatch(given) else uuid.uuid4().hex
    log.request_id.set(request_id)
    try:
        reply = _answered(flask_app, environ, request_id)
    except Problem as problem:
        reply = _refused(flask_app, environ, problem)
    except problems.AWAY as error:
        reply = _refused(flask_app, environ, problems.away(error, ROUTE))
    except Exception as error:  # the last wall: a bug answers 500 and says where it is
        logger.error(  # noqa: TRY400  the log takes the class and the place, never the text
            "unhandled", exc_info=error, method=environ["REQUEST_METHOD"], route=ROUTE
        )
        reply = _refused(flask_app, environ, Problem("internal_error"))
    _count(environ["REQUEST_METHOD"], reply.status, time.monotonic() - started)
    headers = {"Content-Type": JSON, "X-Request-Id": request_id, **SAFE, **reply.headers}
    return Reply(reply.status, reply.body, headers)


def _answered(flask_app: Flask, environ: Environ, request_id: str) -> Reply:
    method = environ["REQUEST_METHOD"]
    if method not in METHODS:
        raise Problem("method_not_allowed", headers={"Allow": ", ".join(METHODS)})
    target = paths.split(raw_target(environ))
    if target is None:
        raise Problem("path_refused", detail={"reason": "prefix"})
    _refuse_token(target.raw_query)
    citizen = gate.enter(environ)
    service = registry.show(target.service_id)
    asked = road.Asked(
        method, target.raw_path, target.raw_query, environ.get("CONTENT_TYPE", ""), _body(environ),
        environ.get("HTTP_IDEMPOTENCY_KEY"), environ.get("HTTP_X_REGION", ""),
    )  # fmt: skip
    decided = road.decide(service, citizen, asked, clock.now())
    if isinstance(decided, road.Refuse):
        _refuse(flask_app, environ, citizen, decided)
    return calls.carry(decided, citizen, request_id)


def raw_target(environ: Mapping[str, Any]) -> str:
    """The request target as it came over the wire: gunicorn's RAW_URI, Werkzeug's REQUEST_URI.

    Without either, what is left has been decoded once already and cannot be judged: it is refused as no prefix of ours.
    """
    return str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")


def _refuse_token(raw_query: str) -> None:
    if raw_query and any(part.partition("=")[0].lower() in TOKEN_PARAMETERS for part in raw_query.split("&")):
        raise Problem("token_in_url")


def _body(environ: Mapping[str, Any]) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    if not length and not environ.get("wsgi.input_terminated"):
        return b""
    if length and (not length.isascii() or not length.isdigit() or int(length) > road.MAX_BODY):
        raise Problem("too_large")
    if length == "0" or (not length and "HTTP_TRANSFER_ENCODING" not in environ):
        return b""
    most = int(length) if length else road.MAX_BODY + 1
    try:
        body: bytes = environ["wsgi.input"].read(most)
    except Exception:  # noqa: BLE001  here the server's own parser speaks, and its exceptions share no base
        raise Problem("bad_request", detail={"reason": "body"}) from None
    if len(body) > road.MAX_BODY:
        raise Problem("too_large")
    if length and len(body) != most:
        raise Problem("bad_request", detail={"reason": "body"})
    return body


def _refuse(flask_app: Flask, environ: Environ, citizen: Principal, refusal: road.Refuse) -> NoReturn:
    if refusal.code == "assurance_too_low":
        with flask_app.request_context(environ):  # the ways to a higher level are told in the caller's language
            assurance.require(citizen, refusal.level, refusal.max_age_s)
    raise Problem(refusal.code, detail=refusal.detail, errors=refusal.errors, headers=refusal.headers)


def _refused(flask_app: Flask, environ: Environ, problem: Problem) -> Reply:
    with flask_app.request_context(environ):
        response = problems.render(problem)
    # Whoever sends the reply counts its bytes; a length said twice is refused by proxies (RFC 9110, section 8.6).
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    return Reply(response.status_code, response.get_data(), headers)


def _count(method: str, status: int, elapsed_s: float) -> None:
    _series(method if method in METHODS else "", status).inc()
    _latency().observe(elapsed_s)


@lru_cache(maxsize=256)
def _series(method: str, status: int) -> Any:
    return metrics.REQUESTS.labels(method, ROUTE, str(status))


@lru_cache(maxsize=1)
def _latency() -> Any:
    return metrics.LATENCY.labels(ROUTE)
