"""The wire to api.weixin.qq.com: one JSON call, its errcode and its rid. Called by the other modules of this folder.

Facts it lives with (wechat.md 0.1): business errors come as HTTP 200; `errcode` may be absent on success; the content
type says nothing, so JSON is tried whatever it is; `errmsg` ends in a rid and is never compared. Bodies are real UTF-8.
It never retries, never logs a body, a URL or a token, and knows no table and no policy.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from app.core import http, strictjson
from app.core.errors import PlatformError, PlatformGarbled, PlatformMisconfigured
from app.core.log import get_log
from app.platforms.wechat.codes import PLATFORM, failure
from config.settings import WechatApp, get_settings

ANSWER_LIMIT_BYTES: Final = 1024 * 1024
HTTP_OK: Final = 200
RID: Final = re.compile(r"rid: ?([0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8})\Z")

log = get_log("wechat")


@dataclass(frozen=True)
class Reply:
    """One answer: `errcode` 0 when absent, `stated` whether it was there at all, `data` the other members."""

    errcode: int
    rid: str
    stated: bool
    data: Mapping[str, Any] = field(repr=False)

    @property
    def ok(self) -> bool:
        return self.errcode == 0


def get_app(app_id: str, operation: str) -> WechatApp:
    """The configured mini-program. Raises PlatformMisconfigured for one we do not serve."""
    app = get_settings().wechat_app(app_id)
    if app is None:
        raise PlatformMisconfigured(PLATFORM, operation, "unknown_app")
    return app


def get(operation: str, path: str, query: Mapping[str, str]) -> Reply:
    """One GET. Raises NotSent, OutcomeUnknown, PlatformGarbled; an errcode comes back in the Reply."""
    return _exchange(operation, "GET", f"{path}?{urlencode(query)}", None)


def post(operation: str, path: str, body: Mapping[str, Any], query: Mapping[str, str] | None = None) -> Reply:
    """One POST of a JSON body; the query carries at most the access_token. Raises as `get`."""
    target = f"{path}?{urlencode(query)}" if query else path
    return _exchange(operation, "POST", target, strictjson.dumps(body))


def refused(operation: str, reply: Reply) -> PlatformError:
    """The error for a Reply whose errcode is no datum here, written down with its rid."""
    error = failure(operation, reply.errcode, reply.rid)
    log.warning("wechat_refused", operation=operation, code=error.code, trace=reply.rid, error=type(error).__name__)
    return error


def read(operation: str, status: int, raw: bytes) -> Reply:
    """Turn an answer into a Reply. Raises PlatformGarbled for anything but HTTP 200 with one JSON object."""
    if status != HTTP_OK:
        raise PlatformGarbled(PLATFORM, operation, f"http_{status}")
    try:
        members = strictjson.loads(raw, max_bytes=ANSWER_LIMIT_BYTES, integers="platform")
    except strictjson.InvalidJson as error:
        raise PlatformGarbled(PLATFORM, operation, f"json_{error.reason}") from None
    if not isinstance(members, dict):
        raise PlatformGarbled(PLATFORM, operation, "json_shape")
    return _reply(operation, members)


def _reply(operation: str, members: dict[str, Any]) -> Reply:
    stated = "errcode" in members
    errcode = members.pop("errcode", 0)
    # bool is an int in Python; `"errcode": true` or "0" must not pass for a number.
    if type(errcode) is not int:
        raise PlatformGarbled(PLATFORM, operation, "errcode_type")
    found = RID.search(str(members.pop("errmsg", ""))[-64:])
    return Reply(errcode, found.group(1) if found else "", stated, members)


def _exchange(operation: str, method: str, target: str, body: bytes | None) -> Reply:
    headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if body is not None else {})
    answer = http.send(
        http.Call(
            method=method,
            url=get_settings().wechat_base_url.rstrip("/") + target,
            headers=headers,
            body=body,
            platform=PLATFORM,
            operation=operation,
            max_bytes=ANSWER_LIMIT_BYTES,
        )
    )
    return read(operation, answer.status, answer.body)
