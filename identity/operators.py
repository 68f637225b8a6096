"""/ops/v1 of identity: who a token is, and the acts that wait for a second person."""

from typing import Any

from flask import request

from app.core.edge import Caller, Room, staff
from identity import approving, staff_profile, totp
from identity.staff_schemas import (
    ApprovalDetailSchema,
    ApprovalPage,
    ApprovalQuery,
    Approve,
    Refuse,
    StaffSchema,
)

room = Room(
    "staff",
    __name__,
    caller=Caller.STAFF,
    url_prefix="/ops/v1",
    description="工作人员与双人审批 / staff, two-person acts",
)

TOTP_DOC = {
    "in": "header",
    "name": "X-TOTP",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9]{6}$"},
    "description": "A fresh code of your authenticator; each code works once.",
}


@room.route("/me")
@room.response(200, StaffSchema)
def me() -> staff_profile.Profile:
    """Who this token is, and what it may do."""
    return staff_profile.of(staff())


@room.route("/approvals")
@room.arguments(ApprovalQuery, location="query")
@room.response(200, ApprovalPage)
def approvals(query: dict[str, Any]) -> dict[str, Any]:
    """What waits for a second person and what became of the rest, newest first."""
    return approving.page(staff(), **query)


@room.route("/approvals/<string:approval_id>")
@room.response(200, ApprovalDetailSchema)
def approval(approval_id: str) -> approving.Shown:
    """Exactly what will be done, and the hash to approve it by."""
    return approving.show(staff(), approval_id)


@room.route("/approvals/<string:approval_id>/approve", methods=["POST"])
@room.refuses(409)
@room.doc(parameters=[TOTP_DOC])
@room.arguments(Approve)
@room.response(200, ApprovalDetailSchema)
def approve(body: dict[str, str], approval_id: str) -> approving.Shown:
    """Approve what has this hash; it is done in the same moment. Another person must have asked for it."""
    totp.step_up(staff(), request.headers.get("X-TOTP"))
    return approving.approve(staff(), approval_id, body["payload_hash"])


@room.route("/approvals/<string:approval_id>/refuse", methods=["POST"])
@room.refuses(409)
@room.arguments(Refuse)
@room.response(200, ApprovalDetailSchema)
def refuse(body: dict[str, str], approval_id: str) -> approving.Shown:
    """Close it undone."""
    return approving.refuse(staff(), approval_id, body["reason"])
