"""The staff's proof at the edge: a personal token in the Authorization header, and the scope the route asks for.

Registered for Caller.STAFF, so it runs before every /ops route. The scope follows from the path and the method and from
nothing a view says: a route of a resource that config/staff.py does not list is open to nobody.
"""

from typing import Final

from flask import request

from app.core import limits
from app.core.errors import Problem
from app.core.principal import StaffPrincipal
from identity import staff_tokens

BEARER: Final = "Bearer "
READING: Final = frozenset({"GET", "HEAD"})
OWN: Final = "me"  # what every member of staff may read: who they are
PREFIX: Final = "/ops/v1/"


def prove() -> StaffPrincipal:
    """The member of staff behind this request. Raises Problem staff_unauthenticated or scope_missing."""
    given = request.headers.get("Authorization", "")
    found = staff_tokens.principal_from(given.removeprefix(BEARER)) if given.startswith(BEARER) else None
    if found is None:
        raise Problem("staff_unauthenticated", headers={"WWW-Authenticate": 'Bearer realm="ops"'})
    limits.take("ops_read" if request.method in READING else "ops_write", found.staff_id)
    wanted = scope_of(str(request.url_rule), request.method)
    if wanted is not None and wanted not in found.scopes:
        raise Problem("scope_missing", detail={"scope": wanted})
    return found


def scope_of(rule: str, method: str) -> str | None:
    """`/ops/v1/approvals/<approval_id>` and GET: `approvals:read`. None where every member of staff may read."""
    resource = rule.removeprefix(PREFIX).partition("/")[0]
    if resource == OWN and method in READING:
        return None
    return f"{resource}:{'read' if method in READING else 'write'}"
