"""Single sign-on (province.md 3.2): a single-use ticket of 60 s for one application, and the token it buys."""

import secrets
from typing import Any, Final

from flask import request

from app.platforms.province.stand_in.door import Route
from app.platforms.province.stand_in.people import Person
from app.platforms.province.stand_in.wire import Heard, Refusal
from app.platforms.province.stand_in.world import SsoTicket, SsoToken, World

TICKET_LIFE_S: Final = 60
TOKEN_LIFE_S: Final = 1800
NATURAL_PERSON: Final = 1


def issue(world: World, heard: Heard) -> dict[str, Any]:
    subject_id, target_app = heard.text("subjectId", 64), heard.text("targetApp", 64)
    with world.bench.lock:
        if subject_id not in world.subjects:
            raise Refusal(40401)
        ticket = "st-" + secrets.token_urlsafe(24)
        world.tickets[ticket] = SsoTicket(subject_id, target_app, world.bench.now() + TICKET_LIFE_S)
    return {"ticket": ticket, "expiresIn": TICKET_LIFE_S}


def redeem(world: World, ticket: str, target_app: str | None) -> Person:
    """Spend a ticket. A wrong application spends it too: a ticket seen at the wrong door has leaked.

    Each attempt is journalled as `sso.validate`, whether it came over the wire or from a service inside.
    """
    with world.bench.lock:
        known = world.tickets.get(ticket)
        if known is not None and world.bench.fault("expired-token", request.path):
            known.expires_at = 0.0
        check = _judge(known, target_app, world.bench.now())
        world.bench.note("province", "sso.validate", check, {"target_app": target_app or "", "subject": _who(known)})
        if known is not None:
            known.used = True
        if known is None or check != "ok":
            raise Refusal(40104)
        return world.subjects[known.subject_id]


def _judge(ticket: SsoTicket | None, target_app: str | None, now_s: float) -> str:
    if ticket is None:
        return "unknown"
    if ticket.used:
        return "used"
    if ticket.expires_at < now_s:
        return "expired"
    return "ok" if target_app in {None, ticket.target_app} else "audience"


def _who(ticket: SsoTicket | None) -> str:
    return ticket.subject_id if ticket else ""


def validate(world: World, heard: Heard) -> dict[str, Any]:
    target_app = heard.text("targetApp", 64) if "targetApp" in heard.body else None
    person = redeem(world, heard.text("ticket", 200), target_app)
    token = "sk-" + secrets.token_urlsafe(24)
    with world.bench.lock:
        world.tokens[token] = SsoToken(person.subject_id, world.bench.now() + TOKEN_LIFE_S)
    return {"token": token, "expiresIn": TOKEN_LIFE_S, "userType": NATURAL_PERSON}


def userinfo(world: World, heard: Heard) -> dict[str, Any]:
    """Person, masked: clear values are for callers granted `identity:clear`, and nobody here is."""
    token = world.tokens.get(heard.ticket)
    if token is None or token.expires_at < world.bench.now():
        raise Refusal(40104)
    person = world.subjects[token.subject_id]
    return {
        "subjectId": person.subject_id,
        "nameMasked": "*" * (len(person.name) - 1) + person.name[-1],
        "idType": "0",
        "idNoMasked": person.id_number[:1] + "*" * 16 + person.id_number[-1],
        "level": "L2",
        "regionCode": person.id_number[:6],
        "birthYear": int(person.id_number[6:10]),
    }


def revoke(world: World, heard: Heard) -> dict[str, Any]:
    with world.bench.lock:
        world.tokens.pop(heard.text("token", 200), None)
    return {}


ROUTES: Final = (
    Route("POST", "/sso/tickets", "sso.tickets", issue),
    Route("POST", "/sso/tickets/validate", "sso.tickets.validate", validate),
    Route("GET", "/sso/userinfo", "sso.userinfo", userinfo),
    Route("POST", "/sso/tokens/revoke", "sso.tokens.revoke", revoke),
)
