"""The mini-program's doors to identity: log in, sessions, who am I, consents, who used my data.

Verifications have their own doors in citizens_verifications.py.
"""

from typing import Any

from flask import request

from app.core import edge
from app.core.db import transaction
from app.core.edge import Caller, PageQuery, Room, page_of
from config.consents import CURRENT
from config.settings import get_settings
from identity import assurance, consent, evidence, login, pii, sessions
from identity.models import Consent
from identity.schemas import (
    ConsentSchema,
    ConsentsSchema,
    ConsentTextsSchema,
    GiveConsentSchema,
    LogInSchema,
    MeSchema,
    SessionsSchema,
    StartedSessionSchema,
    UseSchema,
)

door = Room("login", __name__, caller=Caller.APP, url_prefix="/v1", description="登录 Log in from a mini-program")
room = Room("identity", __name__, caller=Caller.CITIZEN, url_prefix="/v1", description="身份 Who am I, how surely")


@door.route("/sessions", methods=["POST"])
@door.refuses(401)
@door.arguments(LogInSchema)
@door.response(201, StartedSessionSchema)
def log_in(body: dict[str, Any]) -> dict[str, Any]:
    """Exchange a login code for a session; the previous session of this account ends. A used code is refused."""
    app = edge.mini_program()
    started = login.log_in(app.channel, app.app_id, body["code"], request.remote_addr or "")
    return {
        "access_token": started.token,
        "expires_at": started.session.expires_at,
        "idle_timeout_s": get_settings().session_idle_s,
        "level": assurance.name_of(max(started.levels, default=1)),
        "account_id": started.session.account_id,
        "citizen_id": started.session.citizen_id,
    }


@room.route("/sessions", methods=["GET"])
@room.response(200, SessionsSchema)
def list_sessions() -> dict[str, Any]:
    """My live sessions: this account's, and once proved to be the person (L3) all of mine."""
    me = edge.citizen()
    with transaction() as db:
        rows = sessions.visible_to(db, me)
    names = ("id", "channel", "app_id", "created_at", "last_seen_at")
    return {
        "items": [{**{name: getattr(row, name) for name in names}, "current": row.id == me.session_id} for row in rows]
    }


@room.route("/sessions/current", methods=["DELETE"])
@room.response(204)
def log_out() -> None:
    """End this session at once, everywhere."""
    sessions.end_visible(edge.citizen(), edge.citizen().session_id)


@room.route("/sessions/<string:session_id>", methods=["DELETE"])
@room.response(204)
def end_session(session_id: str) -> None:
    """End another session of mine at once, everywhere."""
    sessions.end_visible(edge.citizen(), session_id)


@room.route("/me", methods=["GET"])
@room.response(200, MeSchema)
def who_am_i() -> dict[str, Any]:
    """My account, my level and the proofs behind it; name and number masked."""
    me = edge.citizen()
    with transaction() as db:
        shown = pii.masked(db, me.citizen_id)
        proofs = evidence.standing(db, me.account_id, me.citizen_id)
    level, level_name = assurance.words_of(me.levels)
    return {
        "citizen_id": me.citizen_id,
        "account_id": me.account_id,
        "channel": me.channel,
        "level": level,
        "level_name": level_name,
        "name_masked": shown and shown[0],
        "id_number_masked": shown and shown[1],
        "proofs": [
            {"level": assurance.name_of(row.level), "method": row.method, "obtained_at": row.obtained_at}
            for row in proofs
        ],
    }


@room.route("/consents", methods=["GET"])
@room.response(200, ConsentTextsSchema)
def list_texts() -> dict[str, Any]:
    """The texts of today, to be read before they are accepted."""
    return {
        "items": [
            {
                "purpose": text.purpose,
                "text_version": text.version,
                "text_hash": text.digest,
                "recipient": text.recipient,
                "zh": text.zh,
                "en": text.en,
            }
            for text in CURRENT.values()
        ]
    }


@room.route("/me/consents", methods=["GET"])
@room.response(200, ConsentsSchema)
def list_consents() -> dict[str, Any]:
    """What I answered last, purpose by purpose."""
    with transaction() as db:
        rows = consent.standing(db, edge.citizen().account_id)
    return {"items": [_consent(row) for row in rows]}


@room.route("/me/consents", methods=["POST"])
@room.refuses(404, 409)
@room.arguments(GiveConsentSchema)
@room.response(201, ConsentSchema)
def give_consent(body: dict[str, Any]) -> dict[str, Any]:
    """Accept the current text of a purpose. An outdated version is refused and the current one named."""
    return _consent(consent.give(edge.citizen(), body["purpose"], body["text_version"]))


@room.route("/me/consents/<string:purpose>", methods=["DELETE"])
@room.response(204)
def withdraw_consent(purpose: str) -> None:
    """Withdraw: nothing new is done on this consent from now on."""
    consent.withdraw(edge.citizen(), purpose)


@room.route("/me/uses", methods=["GET"])
@room.refuses(403)
@room.arguments(PageQuery, location="query")
@room.response(200, page_of(UseSchema))
def list_uses(page: dict[str, Any]) -> dict[str, Any]:
    """Who used my data, for what, newest first."""
    found = pii.uses_seen_by(edge.citizen(), page["cursor"], page["limit"])
    return {"items": found.rows, "next_cursor": found.cursor}


def _consent(row: Consent) -> dict[str, Any]:
    text = consent.text_of(row.purpose)
    return {
        "id": row.id,
        "purpose": row.purpose,
        "text_version": row.text_version,
        "recipient": row.recipient,
        "given": row.given,
        "current": row.given and text is not None and text.digest == row.text_hash,
        "at": row.at,
    }
