"""How the stand-in speaks: business errors in HTTP 200, errmsg with a rid, odd content types, and the order of checks.

Method, then token, then body, as the real API shows. `ApiError` carries errcode; the text is WeChat's own.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, request

# errCode page and the pages of each API (wechat.md 0.3, 1.2, 4.3, 7.1): the texts as seen on the wire.
TEXTS: Final[dict[int, str]] = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40037: "invalid template_id",
    40066: "invalid url",
    40125: "invalid appsecret",
    40163: "code been used",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41030: "invalid page",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43101: "user refuse to accept the msg",
    43107: "subscribe message capability banned",
    43108: "concurrent send to the same user",
    44002: "empty post data",
    44990: "reach per-second frequency limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45168: "message contains sensitive word",
    47001: "data format error",
    47003: "argument invalid!",
    84010: "out_seq_no is empty",
    84011: "out_seq_no format error",
    84012: "cert_info is empty",
    84013: "cert_type error",
    84014: "cert_name error",
    84015: "cert_no error",
    84016: "openid is empty",
    84017: "openid mismatch",
    84018: "cert_hash error",
    84019: "out_seq_no exist",
    84020: "out_seq_no mismatch",
    84021: "verify_id is empty",
    84022: "verify_id expired",
}


# The header says `encoding`, where the standard says charset, and may be text/plain for JSON: nobody should believe it.
JSON: Final = "application/json; encoding=utf-8"


class ApiError(Exception):
    """A business error: `errcode`, and a tail for the message where WeChat names the field."""

    def __init__(self, errcode: int, tail: str = "") -> None:
        super().__init__(errcode)
        self.errcode = errcode
        self.tail = tail


def rid() -> str:
    """Three groups of eight hex digits, as in `rid: 68512a3f-1f2e3d4c-5b6a7988`."""
    return "-".join(secrets.token_hex(4) for _ in range(3))


def reply(members: Mapping[str, Any], mimetype: str = JSON) -> Response:
    return Response(json.dumps(members, ensure_ascii=False, separators=(",", ":")), content_type=mimetype)


def refusal(error: ApiError, mimetype: str = JSON) -> Response:
    text = TEXTS[error.errcode] + (f" {error.tail}" if error.tail else "")
    # 43101 and 47003 come without the comma before the rid; everything else with it (seen on the wire).
    joint = " " if error.errcode in {43101, 47003} else ", "
    return reply({"errcode": error.errcode, "errmsg": f"{text}{joint}rid: {rid()}"}, mimetype)


def require(method: str) -> None:
    if request.method != method:
        raise ApiError(43001 if method == "GET" else 43002)


def json_body() -> dict[str, Any]:
    """The POST body as an object: 44002 when empty, 47001 when it is not UTF-8 JSON or not an object."""
    raw = request.get_data()
    if not raw:
        raise ApiError(44002)
    try:
        given = json.loads(raw.decode("utf-8"))
    except ValueError:
        raise ApiError(47001) from None
    if not isinstance(given, dict):
        raise ApiError(47001)
    return given


def text_of(given: Mapping[str, Any], name: str, missing: int) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(missing)
    return value
