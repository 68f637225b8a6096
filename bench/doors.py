"""The other doors in the table: login end to end through the sandbox's jscode2session, and callbacks taken in.

Ours only: there is no peer that does the same work. Each request is another person or another event, signed as the
platform signs it; connections come from many loopback addresses, so the limits per address are in force and not met.
"""

import http.client
import itertools
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from app.platforms.province.stand_in import signing
from app.platforms.wechat.stand_in import push
from app.stack import house, ports
from app.stack.supervisor import Child
from app.stack.surroundings import ROOT
from bench import calls
from bench.contenders import OURS
from bench.ground import Ground
from bench.rounds import Measured, measure, spread
from config.settings import WechatApp

USERS = 300
LOGINS_A_SECOND = 400  # more than are expected; a round that runs out of them ends early
CALLBACKS_A_SECOND = 600
SOURCES = 64
EVENTS_PATH = "/callbacks/province/events"

_serial = itertools.count(1_000_000_000)


def sandbox(ground: Ground) -> Child:
    """The platforms' stand-ins, as the demo starts them."""
    return Child(
        "sandbox", house.command("sandbox", ground.settings), ground.env, cwd=ROOT, ready_s=60,
        ready=ports.answers(ground.ports["sandbox"], "/sim/v1/health"),
    )  # fmt: skip


def _app(ground: Ground) -> WechatApp:
    return WechatApp(**json.loads(ground.settings["TB_WECHAT_APPS"])[0])


def logins(ground: Ground, count: int) -> list[calls.Request]:
    """One POST /v1/sessions for each code the sandbox mints, of USERS people in turn."""
    wire = http.client.HTTPConnection("127.0.0.1", ground.ports["sandbox"], timeout=10)
    headers = {"X-App": f"wechat/{_app(ground).app_id}", "Content-Type": "application/json"}
    made = []
    for number in range(count):
        user = f"bench-{number % USERS}"
        if number < USERS:
            _control(wire, "/users", {"user": user})
        code = _control(wire, "/codes", {"user": user})["code"]
        made.append((calls.request("POST", "/v1/sessions", headers, json.dumps({"code": code}).encode()), 201, "tbs_"))
    wire.close()
    return made


def _control(wire: http.client.HTTPConnection, path: str, body: object) -> dict[str, Any]:
    wire.request("POST", f"/sim/v1/wechat{path}", json.dumps(body), {"Content-Type": "application/json"})
    told: dict[str, Any] = json.loads(wire.getresponse().read())
    return told


def wechat_pushes(ground: Ground, count: int) -> list[calls.Request]:
    """Receipts of subscribe messages in safe mode, each of another message."""
    return [_wechat_push(ground, _app(ground)) for _ in range(count)]


def _wechat_push(ground: Ground, app: WechatApp) -> calls.Request:
    number, now = next(_serial), time.time()
    openid = f"oBench{number}"
    members = {"ToUserName": app.original_id, "FromUserName": openid, "CreateTime": str(int(now)),
               "MsgType": "event", "Event": "subscribe_msg_sent_event"}  # fmt: skip
    item = {"TemplateId": "bench-template", "MsgID": str(number), "ErrorCode": "0", "ErrorStatus": "success"}
    url = f"{ground.settings['TB_PUBLIC_BASE_URL']}/callbacks/wechat/{app.app_id}"
    sent = push.sealed_push(app, url, push.as_json(members, [item], bare=True), now, openid, forged=False)
    parts = urlsplit(sent.url)
    return calls.request("POST", f"{parts.path}?{parts.query}", sent.headers, sent.body), 200, ""


def province_events(ground: Ground, count: int) -> list[calls.Request]:
    """`case.state` events, each of another case."""
    return [_province_event(ground) for _ in range(count)]


def _province_event(ground: Ground) -> calls.Request:
    now = time.time()
    event = {"eventId": "E" + secrets.token_hex(12), "type": "case.state", "at": int(now * 1000), "seq": 1,
             "caseNo": f"99{next(_serial)}", "data": {"from": "SUBMITTED", "to": "ACCEPTED"}}  # fmt: skip
    body = json.dumps(event, separators=(",", ":")).encode()
    stamp, nonce, settings = str(int(now)), secrets.token_hex(12), ground.settings
    secret = settings["TB_PROVINCE_CALLBACK_SECRET"]
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-PCB-Key": settings["TB_PROVINCE_CALLBACK_KEY_ID"],
        "X-PCB-Timestamp": stamp,
        "X-PCB-Nonce": nonce,
        "X-PCB-Signature": signing.pcb_signature(secret, stamp, nonce, "POST", EVENTS_PATH, body, "sha256"),
    }
    return calls.request("POST", EVENTS_PATH, headers, body), 200, ""


Prepare = Callable[[Ground, int], list[calls.Request]]
DOORS: tuple[tuple[str, Prepare, int], ...] = (
    ("登录 login, POST /v1/sessions with jscode2session", logins, LOGINS_A_SECOND),
    ("微信推送 WeChat push taken in", wechat_pushes, CALLBACKS_A_SECOND),
    ("省回调 province event taken in", province_events, CALLBACKS_A_SECOND),
)


def measured(ground: Ground, *, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """A row for each door: spreads, or why there are none."""
    rows: list[dict[str, Any]] = []
    for title, prepare, a_second in DOORS:
        runs = [_round(ground, prepare, int(a_second * seconds), number, seconds) for number in range(1, rounds + 1)]
        rows.append({"title": title} | _row(runs))
    return rows


def _round(ground: Ground, prepare: Prepare, count: int, number: int, seconds: float) -> Measured:
    return measure(
        ground, OURS, ground.ports["http"], prepare(ground, count), number, seconds=seconds, once=True, sources=SOURCES
    )


def _row(runs: Sequence[Measured]) -> dict[str, Any]:
    wrong = [one for one in runs if not one.clean]
    if wrong:
        return {"not_measured": f"answers were {wrong[0].statuses}"}
    figures = ("requests_s", "p50_ms", "p99_ms", "cpu_us")
    return {figure: asdict(spread(getattr(one, figure) for one in runs)) for figure in figures}
