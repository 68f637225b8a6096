"""Proof of caller on the mini-programs' paths: X-App names a configured app, the bearer token belongs to that app (L5).

Installed as the edge's authenticators of APP and CITIZEN; nothing else reads these two headers.
"""

import re
from typing import Final

from flask import request

from app.core.edge import Caller, authenticator
from app.core.errors import Problem
from app.core.principal import MiniProgram, Principal
from config.settings import get_settings
from identity import sessions

APP_FORM: Final = re.compile(r"([a-z]{2,16})/([A-Za-z0-9]{1,64})")
CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}


def mini_program() -> MiniProgram:
    """X-App as a mini-program of ours. Raises Problem app_required."""
    match = APP_FORM.fullmatch(request.headers.get("X-App", ""))
    if match is None or not get_settings().knows_app(match[1], match[2]):
        raise Problem("app_required")
    return MiniProgram(match[1], match[2])


def citizen() -> Principal:
    """The session behind the token. Every reason to refuse it looks the same."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Problem("unauthenticated", headers=CHALLENGE)
    app = mini_program()
    principal = sessions.principal_of(token)
    if principal is None or (principal.channel, principal.app_id) != (app.channel, app.app_id):
        raise Problem("unauthenticated", headers=CHALLENGE)
    return principal


def install() -> None:
    authenticator(Caller.APP, mini_program)
    authenticator(Caller.CITIZEN, citizen)
