"""What operations ask: is it alive (public), is it ready and what does it count (internal bind only).

/healthz touches nothing, so a dead database does not make an orchestrator kill healthy web workers. /readyz asks each
store once.
"""

from collections.abc import Callable

from flask import Flask, Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core import db, kv, metrics
from app.core.edge import Caller, Room, register
from app.core.edge.problems import COME_BACK_S

public = Room("health", __name__, caller=Caller.PUBLIC, description="Liveness")
internal = Room("operations", __name__, caller=Caller.INTERNAL, description="Readiness and metrics, internal bind only")

CHECKS: dict[str, Callable[[], bool]] = {
    "database": db.is_reachable,
    "redis": lambda: bool(kv.client().ping()),
}


@public.route("/healthz")
@public.response(200)
def healthz() -> Response:
    """The process answers."""
    return jsonify(status="ok")


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (SQLAlchemyError, RedisError, OSError):
        return False


@internal.route("/readyz")
@internal.response(200)
def readyz() -> tuple[Response, int, dict[str, str]]:
    """Every store answers; 503 names those that do not."""
    found = {name: _holds(check) for name, check in CHECKS.items()}
    if all(found.values()):
        return jsonify(status="ready", checks=found), 200, {}
    return jsonify(status="not_ready", checks=found), 503, {"Retry-After": str(COME_BACK_S)}


@internal.route("/metrics")
@internal.response(200)
def scrape() -> Response:
    """Prometheus text."""
    return metrics.exposition()


def init_app(flask_app: Flask) -> None:
    register(flask_app, public)
    register(flask_app, internal)
