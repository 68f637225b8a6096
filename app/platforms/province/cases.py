"""Cases at the province (province.md 3.4) in our words. Part of authority.AUTHORITY.

Contract additions this client relies on: `seq` and `updatedAt` in every Case; the answer to a submission is a Case with
its track; `expand=track` reads a Case and its track in one moment; `GET /cases?requestKey=` tells what became of a
submission that got no answer.
"""

from collections.abc import Mapping
from typing import Any, Final

from app.core.errors import PlatformGarbled
from app.platforms.base import CaseSnapshot, CaseSubmission
from app.platforms.province import client, codes, reading
from app.platforms.province.client import Ask

SUBMIT: Final = "cases.submit"
GET: Final = "cases.get"
FIND: Final = "cases.find"

# province.md 1.4, neutral states. A state we do not know is garbled: showing it would be guessing.
STATES: Final[Mapping[str, str]] = {
    name: name.lower()
    for name in (
        "DRAFT", "SUBMITTED", "PRE_REJECTED", "PRE_PASSED", "WAIT_RECEIVE", "RECEIVED", "CORRECTION", "ACCEPTED",
        "REJECTED", "APPROVED", "DONE", "NOT_ACCEPTED", "WITHDRAWN", "TERMINATED",
    )
}  # fmt: skip


class Cases:
    """The case half of base.Province. Stateless."""

    def submit_case(self, submission: CaseSubmission) -> CaseSnapshot:
        """Our case id is the Idempotency-Key, so one submission is one case there, however often it is sent."""
        body = {
            "itemCode": submission.item_code,
            "itemVersion": submission.item_version,
            "subject": submission.subject_id,
            "form": dict(submission.form),
            "materials": [],
            "acceptRegion": submission.accept_region,
            "channel": submission.channel,
        }
        told = client.ask(
            Ask(
                SUBMIT,
                "POST",
                "/cases",
                body=body,
                key=submission.case_id,
                channel=submission.channel,
                region=submission.accept_region,
                effect=True,
            )
        )
        return _snapshot(SUBMIT, reading.members(SUBMIT, told.data))

    def find_case_by_key(self, request_key: str) -> CaseSnapshot | None:
        told = client.ask(Ask(FIND, "GET", "/cases", query={"requestKey": request_key, "expand": "track"}))
        found = reading.rows(FIND, told.data)
        if len(found) > 1:
            raise PlatformGarbled(codes.PLATFORM, FIND, "two_cases_one_key")
        return _snapshot(FIND, found[0]) if found else None

    def get_case(self, case_no: str) -> CaseSnapshot:
        path = f"/cases/{reading.segment(GET, case_no)}"
        return _snapshot(GET, reading.members(GET, client.ask(Ask(GET, "GET", path, query={"expand": "track"})).data))


def _snapshot(operation: str, data: Mapping[str, Any]) -> CaseSnapshot:
    track = tuple(_step(operation, step) for step in reading.rows(operation, data.get("track", [])))
    return CaseSnapshot(
        case_no=reading.text(operation, data, "caseNo", 64),
        state=_state(operation, data, "state"),
        seq=reading.number(operation, data, "seq"),
        result=_optional(data, "result").lower(),
        updated_at=reading.instant(operation, data, "updatedAt"),
        track=track,
    )


def _step(operation: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "at": reading.instant(operation, data, "at"),
        "from": _state(operation, data, "from"),
        "to": _state(operation, data, "to"),
        "by": _optional(data, "by"),
        "note": _optional(data, "note"),
        "seq": reading.number(operation, data, "seq"),
    }


def _state(operation: str, data: Mapping[str, Any], name: str) -> str:
    value = reading.text(operation, data, name)
    if value not in STATES:
        raise PlatformGarbled(codes.PLATFORM, operation, f"member_{name}")
    return STATES[value]


def _optional(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value[:500] if isinstance(value, str) else ""
