"""`/sim/v1`: the wires behind the stage. For tests, the demo, the play pages; never part of any platform.

POST /sim/v1/reset      {}                                     everything back to the beginning
POST /sim/v1/clock      {"advance_s": 60} or {"set_s": unix}   -> {"now_s"}
GET  /sim/v1/clock                                             -> {"now_s"}
POST /sim/v1/faults     {"kind", "path", "count"?, "probability"?, "delay_s"?, "status"?}
GET  /sim/v1/faults                                            -> {"faults": [...]}   still waiting
DELETE /sim/v1/faults
GET  /sim/v1/journal    ?platform=&operation=&since=&limit=&last -> {"entries": [...]}   last: the newest ones
POST /sim/v1/settle     {"timeout_s"?}                         -> {"settled": bool}   waits for queued callbacks
GET  /sim/v1/health                                            -> {"ok": true, "platforms": [...]}
"""

from typing import Any

from flask import Blueprint, Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app.sandbox.faults import Fault
from app.sandbox.host import SandboxBench

LOOPBACK = ("127.", "::1", "::ffff:127.")
OWN_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})
GUARDED = ("/sim/", "/phone/api/", "/play/")


def _loopback_only() -> None:
    """Refuse strangers, and browsers that were lured here: the Host must be a loopback name and a body must be JSON.

    A foreign page can send a form to 127.0.0.1, but not `application/json` without a preflight nobody here answers, and
    a rebound name shows in the Host header.
    """
    if not request.path.startswith(GUARDED):
        return
    if not (request.remote_addr or "").startswith(LOOPBACK):
        abort(403)
    if request.host.rsplit(":", 1)[0] not in OWN_NAMES and request.host not in OWN_NAMES:
        abort(403)
    if request.method == "POST" and request.mimetype != "application/json":
        abort(415)


def body() -> dict[str, Any]:
    """The control call's JSON object; `{}` when empty."""
    given = request.get_json(silent=True) if request.data else {}
    if not isinstance(given, dict):
        abort(400)
    return given


def controls(bench: SandboxBench, platforms: list[str]) -> Blueprint:
    room = Blueprint("sandbox_controls", __name__)

    @room.get("/sim/v1/health")
    def health() -> ResponseReturnValue:
        return jsonify(ok=True, platforms=platforms)

    @room.post("/sim/v1/reset")
    def reset() -> ResponseReturnValue:
        bench.reset()
        return jsonify(ok=True)

    @room.get("/sim/v1/clock")
    def tell() -> ResponseReturnValue:
        return jsonify(now_s=bench.now())

    @room.post("/sim/v1/clock")
    def move() -> ResponseReturnValue:
        given = body()
        if "set_s" in given:
            bench.set_time(float(given["set_s"]))
        bench.shift(float(given.get("advance_s", 0)))
        return jsonify(now_s=bench.now())

    _fault_controls(room, bench)
    _journal_controls(room, bench)
    return room


def _fault_controls(room: Blueprint, bench: SandboxBench) -> None:
    @room.get("/sim/v1/faults")
    def waiting() -> ResponseReturnValue:
        return jsonify(faults=bench.faults.listing())

    @room.post("/sim/v1/faults")
    def script() -> ResponseReturnValue:
        try:
            bench.faults.add(Fault(**body()))
        except (TypeError, ValueError) as error:
            return jsonify(error=str(error)), 400
        return jsonify(ok=True), 201

    @room.delete("/sim/v1/faults")
    def forget() -> ResponseReturnValue:
        bench.faults.clear()
        return jsonify(ok=True)


def _journal_controls(room: Blueprint, bench: SandboxBench) -> None:
    @room.get("/sim/v1/journal")
    def journal() -> ResponseReturnValue:
        entries = bench.journal.entries(
            platform=request.args.get("platform", ""),
            operation=request.args.get("operation", ""),
            since=request.args.get("since", 0, int),
            limit=request.args.get("limit", 1000, int),
            last="last" in request.args,
        )
        return jsonify(entries=entries)

    @room.post("/sim/v1/settle")
    def settle() -> ResponseReturnValue:
        return jsonify(settled=bench.emitter.settle(float(body().get("timeout_s", 10))))


def guard(flask_app: Flask) -> None:
    """Put the loopback rule before every control, relay and play path."""
    flask_app.before_request(_loopback_only)
