"""/v1/me/inbox and /v1/me/grants: what a citizen was told, and what they allow us to push."""

from typing import Any

from app.core.edge import Caller, Room, citizen, idempotent
from notifications import grants, inbox
from notifications.schemas import EntrySchema, GrantAnswers, GrantsSchema, InboxPage, InboxQuery

room = Room(
    "notifications",
    __name__,
    caller=Caller.CITIZEN,
    url_prefix="/v1",
    description="消息：站内信与订阅 Inbox and grants",
)


@room.route("/me/inbox", methods=["GET"])
@room.arguments(InboxQuery, location="query")
@room.response(200, InboxPage)
def list_inbox(page: dict[str, Any]) -> Any:
    """What we told this citizen, newest first, whether or not a push went through."""
    return inbox.listing(citizen(), **page)


@room.route("/me/inbox/<entry_id>/read", methods=["POST"])
@room.response(200, EntrySchema)
def read_entry(entry_id: str) -> Any:
    """Mark an entry as read. Again changes nothing."""
    return inbox.read(citizen(), entry_id)


@room.route("/me/grants", methods=["GET"])
@room.response(200, GrantsSchema)
def list_grants() -> Any:
    """Which templates this mini-program has, how many sends are left, and which to ask for at the next tap."""
    return grants.overview(citizen())


@room.route("/me/grants", methods=["POST"])
@idempotent
@room.arguments(GrantAnswers)
@room.response(200, GrantsSchema)
def report_grants(body: dict[str, Any]) -> Any:
    """Report the result of the subscribe pop-up. The platform's own event about it is not counted a second time."""
    grants.report(citizen(), body["answers"])
    return grants.overview(citizen())
