"""/ops/v1/messages: an operator asks for a message, a second person approves it, both see what became of it."""

from typing import Any

from app.core.edge import Caller, Room, idempotent, staff
from notifications import messages, sends
from notifications.schemas import MessageSchema, RequestedSchema, SendMessage

room = Room(
    "messages", __name__, caller=Caller.STAFF, url_prefix="/ops/v1", description="消息下发 Messages sent by operators"
)


@room.route("/messages", methods=["POST"])
@idempotent
@room.arguments(SendMessage)
@room.response(202, RequestedSchema)
def request_message(body: dict[str, Any]) -> Any:
    """Ask for one message to one citizen; nothing is sent until another person approves exactly this content."""
    asked = sends.request(staff(), body["citizen_id"], body["kind"], body["values"])
    return {
        "message_id": asked.message_id,
        "approval_id": asked.approval.id,
        "payload_hash": asked.approval.payload_hash,
        "expires_at": asked.approval.expires_at,
    }


@room.route("/messages/<message_id>", methods=["GET"])
@room.response(200, MessageSchema)
def get_message(message_id: str) -> Any:
    """What became of a message: its state, each attempt with its reason, each receipt. Never its words."""
    return messages.shown(sends.get(staff(), message_id))
