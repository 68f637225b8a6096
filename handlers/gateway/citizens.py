"""The services a citizen can tap (browsing needs X-App only), and the one opaque route every call of them takes."""

from typing import Any, Final

from flask import Response, current_app, request

from app.core.edge import Caller, Room, mini_program
from app.core.edge.callers import APP_HEADER, SECURITY
from handlers.gateway import front, services
from handlers.gateway.schemas import CalledSchema, ServiceDetailSchema, ServicePage, ServicesQuery

KEY_HEADER: Final[dict[str, Any]] = {
    "in": "header", "name": "Idempotency-Key", "required": False,
    "schema": {"type": "string"},
    "description": "Required where the operation is a write: 8 to 64 of A-Z a-z 0-9 _ -. A read does not look at it.",
}  # fmt: skip
REGION_HEADER: Final[dict[str, Any]] = {
    "in": "header", "name": "X-Region", "required": False, "schema": {"type": "string", "pattern": "^([0-9]{12})?$"},
    "description": "The citizen's region, GB/T 2260; where it is missing or empty, the service's own.",
}  # fmt: skip

browsing = Room("services", __name__, caller=Caller.APP, url_prefix="/v1", description="Services to tap")
# PUBLIC to the edge because the road proves the caller itself: session and rate limit in one look.
calling = Room("calls", __name__, caller=Caller.PUBLIC, description="Calls carried on to a service")


@browsing.route("/services")
@browsing.arguments(ServicesQuery, location="query")
@browsing.response(200, ServicePage)
def list_services(query: dict[str, Any]) -> dict[str, Any]:
    """Services offered in this mini-program, newest first."""
    return services.listing(
        mini_program().channel, region=query["region"], limit=query["limit"], cursor=query["cursor"]
    )


@browsing.route("/services/<service_id>")
@browsing.response(200, ServiceDetailSchema)
def show_service(service_id: str) -> dict[str, Any]:
    """One service: what it needs of the citizen, what it is told, its operations."""
    return services.detail(mini_program().channel, service_id)


@calling.route(front.ROUTE, methods=list(front.METHODS))
@calling.alt_response(200, schema=CalledSchema, description="What the service answered, out of its envelope")
@calling.refuses(400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 502, 503, 504)
@calling.doc(security=SECURITY[Caller.CITIZEN], parameters=[APP_HEADER, KEY_HEADER, REGION_HEADER])
def call(service_id: str, path: str) -> Response:
    """One call, carried on to the service: the manifest says which, see GET /v1/services/{service_id}."""
    del service_id, path  # the road reads the raw target; what Flask decoded cannot be judged
    reply = front.answer(current_app, request.environ)
    return Response(reply.body, reply.status, dict(reply.headers))
