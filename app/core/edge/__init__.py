"""The edge every blueprint stands on: who may call, what comes in, how refusals look, paging, idempotency.

Rooms use `Room` (a flask-smorest blueprint that declares its caller), `citizen()` / `staff()` for the principal,
`idempotent` on creating POSTs, `paged` for lists, and raise `Problem`; everything else happens here.
"""

from app.core.edge.bodies import Instant, Query, Region, Strict
from app.core.edge.callers import Caller, authenticator, citizen, mini_program, register, staff
from app.core.edge.idempotent import idempotent
from app.core.edge.paging import PageQuery, page_of, paged
from app.core.edge.room import Room

__all__ = [
    "Caller",
    "Instant",
    "PageQuery",
    "Query",
    "Region",
    "Room",
    "Strict",
    "authenticator",
    "citizen",
    "idempotent",
    "mini_program",
    "page_of",
    "paged",
    "register",
    "staff",
]
