"""/v1/cases: a citizen files a case and follows it."""

from typing import Any

from app.core.edge import Caller, PageQuery, Room, citizen, idempotent, page_of
from handlers.cases import cases
from handlers.cases.schemas import CaseDetail, CaseSchema, FileCase

room = Room(
    "cases", __name__, caller=Caller.CITIZEN, url_prefix="/v1", description="办件：申报与进度 Cases: file and follow"
)


@room.route("/cases", methods=["POST"])
@room.refuses(403)
@idempotent
@room.arguments(FileCase)
@room.response(201, CaseSchema)
def file_case(body: dict[str, Any]) -> Any:
    """File a case for an item; it is handed to the authority at once and can be followed from here on."""
    return cases.open_case(citizen(), cases.Filing(body["item_code"], body["accept_region"], body["form"]))


@room.route("/cases", methods=["GET"])
@room.arguments(PageQuery, location="query")
@room.response(200, page_of(CaseSchema))
def list_cases(page: dict[str, Any]) -> Any:
    """The caller's cases, newest first: below L3 those this account filed, at L3 all of this citizen's."""
    return cases.list_cases(citizen(), **page)


@room.route("/cases/<case_id>", methods=["GET"])
@room.response(200, CaseDetail)
def get_case(case_id: str) -> Any:
    """One case with its track. Another's case answers as one that does not exist."""
    return cases.get_case(citizen(), case_id)
