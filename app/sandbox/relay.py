"""The phone page's way to the public API: `/phone/api/v1/...` -> public_base_url, and to nowhere else.

A mini-program is no web page and meets no CORS, so the API allows none; a browser playing one needs this relay. It
hands on what a mini-program would send and adds nothing: no token, no identity, no retry. Guarded like the controls.
"""

import http.client
import json
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

# A mini-program's request may last 60 s (network page of the mini-program docs).
TIMEOUT_S: Final = 60.0
ANSWER_LIMIT_BYTES: Final = 10 * 1024 * 1024
PREFIX: Final = "/phone/api"
HANDED_ON: Final = (
    "Accept-Language", "Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-App", "X-Region",
)  # fmt: skip
HANDED_BACK: Final = frozenset({"content-type", "content-language", "etag", "retry-after", "x-request-id", "location"})


def relay(public_base_url: str) -> Blueprint:
    room = Blueprint("sandbox_relay", __name__)

    @room.route(f"{PREFIX}/v1/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def hand_on(rest: str) -> ResponseReturnValue:
        del rest  # what the browser wrote travels on, not what Flask decoded
        try:
            return _exchange(public_base_url, _target())
        except (OSError, http.client.HTTPException) as error:
            told = {"code": "phone_offline", "detail": "连不上服务，请稍后再试。 The service cannot be reached."}
            told["reason"] = type(error).__name__
            return Response(json.dumps(told), 502, content_type="application/problem+json")

    return room


def _target() -> str:
    raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path)
    return raw.removeprefix(PREFIX)


def _exchange(public_base_url: str, target: str) -> Response:
    parts = urlsplit(public_base_url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        headers = {name: request.headers[name] for name in HANDED_ON if name in request.headers}
        connection.request(request.method, parts.path.rstrip("/") + target, request.get_data() or None, headers)
        answer = connection.getresponse()
        back = {name: value for name, value in answer.getheaders() if name.lower() in HANDED_BACK}
        return Response(answer.read(ANSWER_LIMIT_BYTES), answer.status, back)
    finally:
        connection.close()
