"""The wires behind this stage, for tests, the demo and the play page (loopback only, guarded by the host).

GET  /sim/v1/province/state                                  people, cases, face checks, callbacks, executions, script
POST /sim/v1/province/script        {"face_delay_s"?, "face_copies"?, "face_stale"?, "case_copies"?, "digest"?}
POST /sim/v1/province/faces/<ref>   {"result": PASS|FAIL|NO_PHOTO, "copies"?, "stale"?}
POST /sim/v1/province/callbacks/<event_id>/send  {}          the same event once more, signed anew
POST /sim/v1/cases/<case_no>/advance  {"to", "note"?, "result"?, "copies"?}   by the short way; 409 when not allowed
"""

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app.platforms.province.stand_in import cases, events, identity
from app.platforms.province.stand_in.people import EVERYBODY
from app.platforms.province.stand_in.world import Script, World

DECISIONS: Final = frozenset({"PASS", "FAIL", "NO_PHOTO"})
MOST_COPIES: Final = 20


def _is_copies(value: object) -> bool:
    # `True in range(1, 20)` holds in Python; a control that says true does not mean once.
    return type(value) is int and value in range(1, MOST_COPIES)


# name -> what a value must be; everything else is refused, so a misspelt control is noticed
SCRIPT: Final[dict[str, Callable[[Any], bool]]] = {
    "face_delay_s": lambda value: isinstance(value, int | float) and 0 <= value <= 3600,  # noqa: PLR2004  an hour
    "face_copies": _is_copies,
    "face_stale": lambda value: isinstance(value, bool),
    "case_copies": _is_copies,
    "digest": lambda value: value in {"sha256", "sm3"},
}


def given() -> dict[str, Any]:
    body = request.get_json(silent=True) if request.data else {}
    if not isinstance(body, dict):
        abort(400)
    return body


def add_controls(room: Blueprint, world: World) -> None:
    controls = Controls(world)
    room.add_url_rule("/sim/v1/province/state", "state", controls.state)
    room.add_url_rule("/sim/v1/province/script", "script", controls.script, methods=["POST"])
    room.add_url_rule("/sim/v1/province/faces/<ref_id>", "decide", controls.decide, methods=["POST"])
    room.add_url_rule("/sim/v1/province/callbacks/<event_id>/send", "resend", controls.resend, methods=["POST"])
    room.add_url_rule("/sim/v1/cases/<case_no>/advance", "advance", controls.advance, methods=["POST"])


class Controls:
    def __init__(self, world: World) -> None:
        self._world = world

    def state(self) -> ResponseReturnValue:
        world = self._world
        with world.bench.lock:
            return jsonify(
                people=[{"name": one.name, "id_number": one.id_number, "note": one.note} for one in EVERYBODY],
                cases=[cases.show(case, with_track=True) for case in world.cases.values()],
                faces=[
                    {
                        "ref_id": check.ref_id,
                        "name": check.person.name,
                        "result": check.result,
                        "done": check.done(world.bench.now()),
                    }
                    for check in world.checks.values()
                ],
                callbacks=[
                    {
                        "event_id": sent.event_id,
                        "label": sent.label,
                        "about": sent.about,
                        "state": sent.state,
                        "attempts": sent.attempts,
                        "at": int(sent.at_s * 1000),
                    }
                    for sent in world.sent.values()
                ],
                executions=dict(world.executions),
                script=vars(world.script),
            )

    def script(self) -> ResponseReturnValue:
        body = given()
        wrong = sorted(name for name, value in body.items() if name not in SCRIPT or not SCRIPT[name](value))
        if wrong:
            return jsonify(error=f"unknown or unusable: {', '.join(wrong)}"), 400
        with self._world.bench.lock:
            self._world.script = Script(**(vars(self._world.script) | body))
        return jsonify(vars(self._world.script))

    def decide(self, ref_id: str) -> ResponseReturnValue:
        body = given()
        copies = body.get("copies", 1)
        if body.get("result") not in DECISIONS or not _is_copies(copies):
            return jsonify(error="result is PASS, FAIL or NO_PHOTO; copies 1 to 19"), 400
        with self._world.bench.lock:
            if ref_id not in self._world.checks:
                abort(404)
            check = identity.decide(
                self._world, ref_id, body["result"], copies=copies, stale=body.get("stale", False) is True
            )
        return jsonify(ref_id=ref_id, result=check.result)

    def resend(self, event_id: str) -> ResponseReturnValue:
        with self._world.bench.lock:
            sent = self._world.sent.get(event_id)
            if sent is None:
                abort(404)
            events.send(self._world, sent)
        return jsonify(event_id=event_id), 202

    def advance(self, case_no: str) -> ResponseReturnValue:
        body, world = given(), self._world
        with world.bench.lock:
            case = world.cases.get(case_no)
            if case is None:
                abort(404)
            copies = body.get("copies", world.script.case_copies)
            if not _is_copies(copies):
                return jsonify(error="copies is 1 to 19"), 400
            try:
                note, result = str(body.get("note", "")), str(body.get("result", ""))
                cases.advance(world, case, str(body.get("to", "")), note, result, copies=copies)
            except cases.NotAllowed:
                return jsonify(error=f"a case in {case.state} cannot go there"), 409
            return jsonify(cases.show(case, with_track=True))
