"""How the province speaks (province.md 3.1): one envelope, a table of codes, refusals as exceptions.

Two dialects: the neutral contract under /province/v1 and the `errcode` envelope of services behind the tif gateway.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from flask import Response

# code -> (HTTP status, message)
CODES: Final[Mapping[int, tuple[int, str]]] = {
    0: (200, "ok"),
    40001: (400, "参数错误 invalid parameter"),
    40101: (401, "签名错误 bad signature"),
    40102: (401, "时间戳超出范围 clock out of window"),
    40103: (401, "随机数重复 nonce replayed"),
    40104: (401, "用户票据无效或已过期 subject token invalid"),
    40301: (403, "未授权调用 caller not granted"),
    40302: (403, "认证等级不足 assurance level too low"),
    40303: (403, "缺少授权同意 consent missing"),
    40401: (404, "不存在 not found"),
    40901: (409, "当前状态不允许 state does not allow"),
    40902: (409, "幂等键已用于其他内容 idempotency key reused"),
    41001: (410, "序号过旧，请全量同步 too old, sync in full"),
    42901: (429, "请求过于频繁 rate limited"),
    50001: (500, "系统错误 fault"),
    50301: (503, "系统维护 maintenance"),
    50401: (504, "上游超时 upstream timeout"),
}
RETRY_AFTER_S: Final[Mapping[int, int]] = {42901: 7, 50301: 30}


class Refusal(Exception):
    """An answer other than yes. `data` is what the contract adds to this code (fields, need, purpose)."""

    def __init__(self, code: int, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


class Page(NamedTuple):
    """A list answer: rows and the cursor of the next page, None at the end."""

    rows: list[Any]
    cursor: str | None


@dataclass(frozen=True)
class Heard:
    """One request whose signature, time and nonce were in order. `idempotency_key` and `ticket` are "" when absent."""

    request_id: str
    channel: str
    region: str
    idempotency_key: str
    ticket: str = field(repr=False)
    query: Mapping[str, str]
    body: Mapping[str, Any] = field(repr=False)

    def text(self, name: str, longest: int = 200) -> str:
        """A required text member of the body, or 40001 naming it."""
        value = self.body.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= longest:
            raise bad(name)
        return value

    def members(self, name: str) -> Mapping[str, Any]:
        """A required object member of the body, or 40001 naming it."""
        value = self.body.get(name)
        if not isinstance(value, dict):
            raise bad(name)
        return value


def bad(*fields: str) -> Refusal:
    return Refusal(40001, {"fields": list(fields)})


def neutral(code: int, data: object, request_id: str, now_s: float) -> Response:
    """The envelope of /province/v1."""
    members: dict[str, Any] = {
        "code": code,
        "message": CODES[code][1],
        "requestId": request_id,
        "ts": int(now_s * 1000),
    }
    if isinstance(data, Page):
        members |= {"data": data.rows, "page": {"cursor": data.cursor or "", "hasMore": data.cursor is not None}}
    else:
        members["data"] = data
    return _answer(code, members, request_id)


def behind_gateway(code: int, data: object, request_id: str, _now_s: float) -> Response:
    """The envelope of services behind the tif gateway (province.md 2.14)."""
    return _answer(code, {"errcode": code, "errmsg": CODES[code][1], "data": data}, request_id)


def _answer(code: int, members: Mapping[str, Any], request_id: str) -> Response:
    answer = Response(
        json.dumps(members, ensure_ascii=False, separators=(",", ":")),
        CODES[code][0],
        {"X-Request-Id": request_id},
        content_type="application/json; charset=utf-8",
    )
    if code in RETRY_AFTER_S:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S[code])
    return answer
