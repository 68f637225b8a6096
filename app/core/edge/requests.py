"""Every request: an id that travels to the province and back, safe headers out, cached GETs with an ETag."""

import re
import time
import uuid
from http import HTTPStatus

from flask import Flask, Response, g, request

from app.core import log, metrics

logger = log.get_log("edge")
ID_FORM = re.compile(r"[A-Za-z0-9_-]{8,64}")


def begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    log.request_id.set(given if ID_FORM.fullmatch(given) else uuid.uuid4().hex)
    g.started = time.monotonic()


def finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = log.request_id.get()
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    whole = response.status_code == HTTPStatus.OK and response.is_json and not response.is_streamed
    if request.method == "GET" and whole:
        response.headers["Cache-Control"] = "private, no-cache"
        response.add_etag()
        response.make_conditional(request)
    _count(response.status_code, time.monotonic() - g.started)
    return response


def _count(status: int, elapsed_s: float) -> None:
    route = str(request.url_rule or "unmatched")  # the template, so that labels stay few and hold no id
    metrics.REQUESTS.labels(request.method if route != "unmatched" else "", route, str(status)).inc()
    metrics.LATENCY.labels(route).observe(elapsed_s)
    logger.info("request", method=request.method, route=route, status=status, elapsed_ms=round(elapsed_s * 1000))


def install(flask_app: Flask) -> None:
    flask_app.before_request(begin)
    flask_app.after_request(finish)
