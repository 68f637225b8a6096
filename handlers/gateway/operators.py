"""Reviewing what integrators submitted. An integrator sees its own versions, the province's staff see all."""

from typing import Any

from app.core.edge import Caller, Room, staff
from handlers.gateway import reviews
from handlers.gateway.schemas import VersionDetailSchema, VersionPage, VersionsQuery

room = Room("reviews", __name__, caller=Caller.STAFF, url_prefix="/ops/v1", description="Services under review")


@room.route("/services")
@room.arguments(VersionsQuery, location="query")
@room.response(200, VersionPage)
def list_versions(query: dict[str, Any]) -> dict[str, Any]:
    """Submitted, published and retired versions, newest first."""
    return reviews.listing(staff(), state=query["state"], limit=query["limit"], cursor=query["cursor"])


@room.route("/services/<version_id>")
@room.response(200, VersionDetailSchema)
def show_version(version_id: str) -> dict[str, Any]:
    """One version with its whole manifest: what an approver reads before approving its hash."""
    return reviews.detail(staff(), version_id)
