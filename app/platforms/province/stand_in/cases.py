"""Cases (province.md 1.4, 3.4): filed once under a key, moved by hand along the allowed moves, told by callback."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from app.platforms.province.stand_in import events, wire
from app.platforms.province.stand_in.door import Route
from app.platforms.province.stand_in.listing import PROVINCE_REGION, listing
from app.platforms.province.stand_in.wire import Heard, Page, Refusal
from app.platforms.province.stand_in.world import Case, Move, World

BEIJING: Final = timezone(timedelta(hours=8))
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CLOSED: Final = frozenset({"DONE", "NOT_ACCEPTED", "WITHDRAWN", "TERMINATED", "PRE_REJECTED"})

# Where a case may go (province.md 1.4); WITHDRAWN and TERMINATED are open to every case that still runs.
MOVES: Final[dict[str, tuple[str, ...]]] = {
    "SUBMITTED": ("PRE_PASSED", "PRE_REJECTED", "RECEIVED"),
    "PRE_PASSED": ("RECEIVED",),
    "RECEIVED": ("ACCEPTED", "NOT_ACCEPTED", "CORRECTION"),
    "CORRECTION": ("RECEIVED", "ACCEPTED"),
    "ACCEPTED": ("CORRECTION", "APPROVED", "REJECTED"),
    "APPROVED": ("DONE",),
    "REJECTED": ("DONE",),
}
# What the play page calls "accept" and "conclude": several moves at one push of a button.
SHORT_WAYS: Final[dict[str, tuple[str, ...]]] = {
    "ACCEPTED": ("PRE_PASSED", "RECEIVED", "ACCEPTED"),
    "APPROVED": ("PRE_PASSED", "RECEIVED", "ACCEPTED", "APPROVED"),
    "REJECTED": ("PRE_PASSED", "RECEIVED", "ACCEPTED", "REJECTED"),
    "DONE": ("PRE_PASSED", "RECEIVED", "ACCEPTED", "APPROVED", "DONE"),
}


class NotAllowed(Exception):
    """The state machine does not know this move."""


def submit(world: World, heard: Heard) -> dict[str, Any]:
    item = listing().items.get(heard.text("itemCode", 64))
    if item is None:
        raise wire.bad("itemCode")
    if heard.text("itemVersion", 16) != item["version"]:
        raise Refusal(40901, {"itemVersion": item["version"]})
    if heard.text("subject", 64) not in world.subjects:
        raise Refusal(40401)
    if not any(region["code"] == heard.text("acceptRegion", 12) for region in listing().regions):
        raise wire.bad("acceptRegion")
    case = _file(world, heard, item)
    world.cases[case.case_no] = case
    limits = {"promise": item["promiseLimit"], "legal": item["legalLimit"]}
    return show(case, with_track=True) | {"deadlineHints": limits}


def _file(world: World, heard: Heard, item: dict[str, Any]) -> Case:
    now_s = world.bench.now()
    case = Case(
        _case_no(world, item["code"], now_s),
        item,
        heard.text("subject", 64),
        heard.idempotency_key,
        heard.text("acceptRegion", 12),
        heard.text("channel", 16),
        dict(heard.members("form")),
        now_s,
    )
    case.track.append(Move(now_s, "DRAFT", "SUBMITTED", "", 1))
    return case


def _case_no(world: World, item_code: str, now_s: float) -> str:
    """Region, day, item tail, serial, MOD 37,36 check (province.md 1.4): opaque to everybody else."""
    day = datetime.fromtimestamp(now_s, UTC).astimezone(BEIJING).strftime("%Y%m%d")
    text = f"{PROVINCE_REGION[:6]}{day}{item_code[-4:]}{world.next_serial():08d}"
    rest = 36
    for char in text:
        rest = ((rest + ALPHABET.index(char)) % 36 or 36) * 2 % 37
    return text + ALPHABET[(37 - rest) % 36]


def show(case: Case, *, with_track: bool = False) -> dict[str, Any]:
    """The contract's Case. `seq` and, on `expand=track`, `track` are additions: a pull needs one moment, not two."""
    last = case.track[-1]
    shown: dict[str, Any] = {
        "caseNo": case.case_no,
        "itemCode": case.item["code"],
        "itemVersion": case.item["version"],
        "name": case.item["name"],
        "state": case.state,
        "suspended": case.suspended,
        "seq": case.seq,
        "subjectRef": case.subject_id,
        "acceptRegion": case.accept_region,
        "handleRegion": PROVINCE_REGION,
        "submittedAt": _ms(case.submitted_at),
        "acceptedAt": _when(case, "ACCEPTED"),
        "doneAt": _when(case, "DONE"),
        "updatedAt": _ms(last.at_s),
        "result": case.result,
        "certIds": [],
        "evaluable": case.state == "DONE",
    }
    if with_track:
        shown["track"] = track_of(case)
    return shown


def track_of(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "at": _ms(move.at_s),
            "from": move.before,
            "to": move.after,
            "by": _role(move.after),
            "note": move.note,
            "seq": move.seq,
        }
        for move in case.track
    ]


def _role(state: str) -> str:
    return "applicant" if state in {"SUBMITTED", "WITHDRAWN"} else "window" if state == "RECEIVED" else "authority"


def _when(case: Case, state: str) -> int | None:
    return next((_ms(move.at_s) for move in case.track if move.after == state), None)


def _ms(at_s: float) -> int:
    return int(at_s * 1000)


def _the_case(world: World, case_no: str) -> Case:
    case = world.cases.get(case_no)
    if case is None:
        raise Refusal(40401)
    return case


def get(world: World, heard: Heard, case_no: str) -> dict[str, Any]:
    with world.bench.lock:
        return show(_the_case(world, case_no), with_track=heard.query.get("expand") == "track")


def track(world: World, _heard: Heard, case_no: str) -> list[dict[str, Any]]:
    with world.bench.lock:
        return track_of(_the_case(world, case_no))


def search(world: World, heard: Heard) -> Page:
    """By `subject`, or by `requestKey` (an addition: it settles a submission that got no answer)."""
    key, subject = heard.query.get("requestKey"), heard.query.get("subject")
    if not key and not subject:
        raise wire.bad("requestKey", "subject")
    with world.bench.lock:
        found = [
            show(case, with_track=heard.query.get("expand") == "track")
            for case in world.cases.values()
            if (key is None or case.request_key == key) and (subject is None or case.subject_id == subject)
        ]
    return Page(found, None)


def withdraw(world: World, heard: Heard, case_no: str) -> dict[str, Any]:
    case = _the_case(world, case_no)
    try:
        advance(world, case, "WITHDRAWN", str(heard.body.get("reason", ""))[:200], "", copies=1)
    except NotAllowed as error:
        raise Refusal(40901) from error
    return {"state": case.state, "seq": case.seq}


def advance(world: World, case: Case, to: str, note: str, result: str, *, copies: int) -> None:
    """Move a case, by the short ways too, and tell of every step. Raises NotAllowed."""
    for state in _way(case.state, to):
        case.track.append(Move(world.bench.now(), case.state, state, note if state == to else "", case.seq + 1))
        case.state = state
        if state in {"APPROVED", "REJECTED"}:
            case.result = state
        case.result = result or case.result
        event = events.case_state(world, case)
        for _ in range(copies):
            events.send(world, event)


def _way(state: str, to: str) -> tuple[str, ...]:
    if state in CLOSED:
        raise NotAllowed
    if to in MOVES.get(state, ()) or to in {"WITHDRAWN", "TERMINATED"}:
        return (to,)
    steps = SHORT_WAYS.get(to, ())
    # RECEIVED straight from SUBMITTED is direct acceptance; the short way goes by the pre-review.
    ahead = steps[steps.index(state) + 1 :] if state in steps else steps if state == "SUBMITTED" else ()
    if not ahead:
        raise NotAllowed
    return ahead


ROUTES: Final = (
    Route("POST", "/cases", "cases.submit", submit, once=True),
    Route("GET", "/cases", "cases.search", search),
    Route("GET", "/cases/<case_no>", "cases.get", get),
    Route("GET", "/cases/<case_no>/track", "cases.track", track),
    Route("POST", "/cases/<case_no>/withdraw", "cases.withdraw", withdraw, once=True),
)
