"""The mini-program's doors to proofs: start one, look at it, say that the client is done with its part."""

from typing import Any

from flask import request

from app.core import edge
from app.core.db import transaction
from app.core.edge import Caller, Room
from identity import assurance, evidence, face, real_name, verification
from identity.models import Verification
from identity.schemas import StartVerificationSchema, VerificationSchema

room = Room("verifications", __name__, caller=Caller.CITIZEN, url_prefix="/v1/me", description="核验 Prove who I am")


@room.route("/verifications", methods=["POST"])
@room.refuses(403)
@edge.idempotent
@room.arguments(StartVerificationSchema)
@room.response(201, VerificationSchema)
def start(body: dict[str, Any]) -> dict[str, Any]:
    """Prove my name and number (real_name), or start a face flow that the client then runs (face)."""
    me = edge.citizen()
    if body["method"] == real_name.METHOD:
        return _shown(real_name.verify(me, body["name"], body["id_number"], request.remote_addr or ""))
    started = face.start(me, body.get("purpose", verification.LEVEL), body.get("service_id"))
    return {**_shown(started.verification), "client": started.client}


@room.route("/verifications/<string:verification_id>", methods=["GET"])
@room.response(200, VerificationSchema)
def show(verification_id: str) -> dict[str, Any]:
    """Where one attempt of mine stands."""
    return _shown(verification.own(edge.citizen(), verification_id))


@room.route("/verifications/<string:verification_id>/finish", methods=["POST"])
@room.response(200, VerificationSchema)
def finish(verification_id: str) -> dict[str, Any]:
    """The client is done with its part: we ask the provider ourselves and answer where the attempt stands."""
    return _shown(face.finish(edge.citizen(), verification_id))


def _shown(row: Verification) -> dict[str, Any]:
    shown = {
        "verification_id": row.id,
        "method": row.method,
        "purpose": row.purpose,
        "state": row.state,
        "level": _level(row.account_id),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "next": {"method": "POST", "href": f"/v1/me/verifications/{row.id}/finish"} if row.state == "pending" else None,
    }
    if row.reason:
        shown |= {"reason": row.reason, "can_retry": row.can_retry}
    return shown


def _level(account_id: str) -> str:
    """The account's level as of now: the session of this request may have been raised a moment ago."""
    with transaction() as db:
        return assurance.name_of(max(evidence.levels_of_account(db, account_id), default=1))
