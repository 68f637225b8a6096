"""Which refusals a route may give, for the OpenAPI document: what its caller, its path and its input imply.

A view adds its own with `@room.refuses(409)`. Called by Room for every route; it changes no answer.

tests/fuzz reads the document without its `default` response, so a status that nobody said here is found.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from app.core.edge.callers import Caller

BAD, UNPROVED, SCOPE, ABSENT, SLOWER, LATER = 400, 401, 403, 404, 429, 503
BODY: Final = (413, 415, 422)
KEPT_KEY: Final = (409, 422)

BY_CALLER: Final[dict[Caller, tuple[int, ...]]] = {
    Caller.PUBLIC: (BAD,),
    Caller.APP: (BAD, SLOWER, LATER),
    Caller.CITIZEN: (BAD, UNPROVED, SLOWER, LATER),
    Caller.STAFF: (BAD, UNPROVED, SCOPE, SLOWER, LATER),
    Caller.PLATFORM: (SLOWER, LATER),
    Caller.INTERNAL: (BAD, ABSENT),  # on the public bind these paths do not exist
}


def of(caller: Caller, rule: str, told: Mapping[str, Any]) -> dict[str, str]:
    """Status -> name of the document's response, for one operation. `told` is flask-smorest's record of the view."""
    return {str(status): HTTPStatus(status).name for status in sorted(set(_statuses(caller, rule, told)))}


def _statuses(caller: Caller, rule: str, told: Mapping[str, Any]) -> Iterator[int]:
    yield from BY_CALLER[caller]
    if "<" in rule:
        yield ABSENT
    given = told.get("arguments", {}).get("parameters", ())
    if any(isinstance(one, dict) and one.get("in") == "json" for one in given):
        yield from BODY
    if any(one.get("name") == "Idempotency-Key" for one in told.get("manual_doc", {}).get("parameters", ())):
        yield from KEPT_KEY
