"""One door for every platform's callbacks: /callbacks/<platform>/<app>, where an authority's app is `events`.

It hands raw bytes to the inbound pipeline and answers what that says; it knows no platform, signature or event. A name
that is not switched on answers 404 before anything is read. Nothing is processed here: subscribers do, from the outbox.
"""

from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request

from app.core import edge, inbound, limits
from app.core.edge import Caller, Room
from app.core.errors import Problem
from app.core.inbound import Forged, Inbound
from app.core.log import get_log
from app.platforms import registry
from config.platforms import AUTHORITIES, CALLBACKS
from config.settings import get_settings

log = get_log("callbacks")

AUTHORITY_APP: Final = "events"

room = Room(
    "callbacks", __name__, caller=Caller.PLATFORM, url_prefix="/callbacks", description="平台回调 Platforms call here"
)


def init_app(flask_app: Flask) -> None:
    edge.register(flask_app, room)


@room.route("/<platform>/<app_id>", methods=["POST"])
@room.doc(
    requestBody={"content": {"*/*": {"schema": {}}}, "required": True},
    responses={
        "200": {
            "description": "Accepted and stored; a repeat gets the first answer",
            "content": {"*/*": {"schema": {}}},
        },
        "400": {"description": "Signed, and not of the agreed shape", "content": {"text/plain": {"schema": {}}}},
        "403": {"description": "Not proved to come from the platform", "content": {"text/plain": {"schema": {}}}},
        "413": {"description": "Larger than any callback", "content": {"text/plain": {"schema": {}}}},
    },
)
def receive(platform: str, app_id: str) -> Response:
    """Take one callback: verified by the platform's own signature, stored, then answered in the platform's form."""
    _refuse_unknown(platform, app_id)
    reply = inbound.receive(_arrived(platform, app_id), registry.verifier(platform))
    return Response(reply.body, status=reply.status, content_type=reply.content_type)


@room.route("/<platform>/<app_id>", methods=["GET"])
@room.doc(
    responses={
        "200": {"description": "The platform's own echo", "content": {"text/plain": {"schema": {"type": "string"}}}},
        "403": {"description": "Not proved to come from the platform", "content": {"text/plain": {"schema": {}}}},
    }
)
def probe(platform: str, app_id: str) -> Response:
    """The platform's check that this address is ours, where it has one."""
    _refuse_unknown(platform, app_id)
    answer = registry.answer_probe(platform)
    if answer is None:
        raise Problem("method_not_allowed", headers={"Allow": "POST"})
    return _echoed(answer, _arrived(platform, app_id))


def _echoed(answer: Callable[[Inbound], bytes], arrived: Inbound) -> Response:
    try:
        echo = answer(arrived)
    except Forged as error:
        log.warning("probe_refused", platform=arrived.platform, app_id=arrived.app_id, reason=error.reason)
        refused = inbound.REFUSED
        return Response(refused.body, status=refused.status, content_type=refused.content_type)
    return Response(echo, content_type="text/plain")


def _refuse_unknown(platform: str, app_id: str) -> None:
    # By the route alone, never by anything in the body (security.md C1): the secret follows from these two names.
    if platform not in CALLBACKS or not _is_ours(platform, app_id):
        raise Problem("not_found")
    limits.take("callback_ip", request.remote_addr or "")


def _is_ours(platform: str, app_id: str) -> bool:
    if platform in AUTHORITIES:
        return app_id == AUTHORITY_APP
    return get_settings().knows_app(platform, app_id)


def _arrived(platform: str, app_id: str) -> Inbound:
    return Inbound(
        platform=platform, app_id=app_id, method=request.method, path=request.path,
        query=request.query_string.decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.get_data(cache=False),
    )  # fmt: skip
