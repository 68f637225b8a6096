"""Who may call. A blueprint declares its caller once; a route without one stops the start (security.md A2).

The proof of a caller is checked by the room that owns it: identity registers the citizen's and the staff's
authenticators, so nothing here imports upwards.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, cast

from flask import Flask, current_app, g, request
from flask_smorest import Api, Blueprint

from app.core.errors import Problem
from app.core.principal import MiniProgram, Principal, StaffPrincipal
from config.settings import get_settings

TOKEN_PARAMETERS = frozenset({"access_token", "token", "session", "authorization", "openid", "session_key"})


class Caller(StrEnum):
    """Who a blueprint's routes are for, and so what proves the caller."""

    PUBLIC = "public"  # anybody, nothing to prove
    APP = "app"  # a mini-program before login: X-App only
    CITIZEN = "citizen"  # bearer token bound to X-App
    STAFF = "staff"  # personal token with scope
    PLATFORM = "platform"  # the platform's own signature, checked by the inbound pipeline
    INTERNAL = "internal"  # operations: only on the internal bind


SECURITY: dict[Caller, list[dict[str, list[str]]]] = {
    Caller.CITIZEN: [{"citizen": []}],
    Caller.STAFF: [{"staff": []}],
}
SCHEMES = {
    "citizen": {"type": "http", "scheme": "bearer", "description": "access_token of POST /v1/sessions"},
    "staff": {"type": "http", "scheme": "bearer", "description": "personal token of cli staff add"},
}
# Says which mini-program calls; it proves nothing, so it is a parameter and no scheme of security.
APP_HEADER: dict[str, Any] = {
    "in": "header", "name": "X-App", "required": True,
    "schema": {"type": "string", "pattern": "^[a-z]{2,16}/[A-Za-z0-9]{1,64}$"},
    "description": "Which mini-program calls: `wechat/<appid>`. The session has to be one of this very app.",
}  # fmt: skip
SAYING_THEIR_APP = frozenset({Caller.APP, Caller.CITIZEN})

Authenticator = Callable[[], Any]


def only_internal() -> None:
    """The second bind's port is the proof; on the public one these paths do not exist."""
    if request.environ.get("SERVER_PORT") != str(get_settings().internal_port):
        raise Problem("not_found")


_authenticators: dict[Caller, Authenticator] = {Caller.INTERNAL: only_internal}


def authenticator(caller: Caller, check: Authenticator) -> None:
    """The owning room's proof: returns the principal or raises Problem. Called before every view of that caller."""
    _authenticators[caller] = check


def register(flask_app: Flask, room: Blueprint) -> None:
    """Add a room's blueprint to the app and to the OpenAPI document."""
    callers: dict[str, Caller] = flask_app.extensions.setdefault("callers", {})
    callers[room.name] = room.caller
    api = cast("Api", flask_app.extensions["tongban_api"])
    api.register_blueprint(room)


def check_caller() -> None:
    """before_request: prove the caller of the blueprint that will answer."""
    caller = caller_of(request.endpoint) if request.endpoint is not None else None
    if caller is not Caller.PLATFORM:  # a platform's query is its own (WeChat's names an openid) and is signed as it is
        _refuse_loose_parameters()
    if caller in _authenticators:
        g.principal = _authenticators[caller]()


def caller_of(endpoint: str) -> Caller | None:
    callers: dict[str, Caller] = current_app.extensions["callers"]
    return callers.get(endpoint.rpartition(".")[0])


def _refuse_loose_parameters() -> None:
    # No text of ours holds a NUL and PostgreSQL refuses one with an error, which would be our 500.
    if "\x00" in request.path:
        raise Problem("not_found")
    for name, values in request.args.lists():
        if "\x00" in name or any("\x00" in value for value in values):
            raise Problem("bad_request")
        if name.lower() in TOKEN_PARAMETERS:
            raise Problem("token_in_url")
        if len(values) > 1:
            raise Problem("repeated_parameter")


def require_declared_callers(flask_app: Flask) -> None:
    """At the end of create_app: every route belongs to a blueprint that said who may call."""
    callers: dict[str, Caller] = flask_app.extensions.get("callers", {})
    for rule in flask_app.url_map.iter_rules():
        owner = rule.endpoint.rpartition(".")[0]
        if owner not in callers and owner != "api-docs":
            raise RuntimeError(
                f"route {rule.rule} does not say who may call it: register its Room through edge.register"
            )


def mini_program() -> MiniProgram:
    """The mini-program behind this request; only in views of a Room with Caller.APP."""
    return cast("MiniProgram", g.principal)


def citizen() -> Principal:
    """The citizen behind this request; only in views of a Room with Caller.CITIZEN."""
    return cast("Principal", g.principal)


def staff() -> StaffPrincipal:
    """The member of staff behind this request; only in views of a Room with Caller.STAFF."""
    return cast("StaffPrincipal", g.principal)
