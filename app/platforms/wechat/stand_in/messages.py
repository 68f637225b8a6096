"""`/cgi-bin/message/subscribe/send` with everything that can be wrong with it, and what follows a success.

Order of the checks: fields of the call, recipient, template, data, credit. A one-time credit is spent only by an
accepted message; a long-term one stays until it is turned off. The sent event follows by push.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from app.platforms.wechat.stand_in.limits import acceptable
from app.platforms.wechat.stand_in.push import Emitter
from app.platforms.wechat.stand_in.templates import LONG_TERM, TEMPLATES, Template
from app.platforms.wechat.stand_in.wire import ApiError, json_body, require, text_of
from app.platforms.wechat.stand_in.world import Account, World

STATES: Final = frozenset({"developer", "trial", "formal"})
LANGUAGES: Final = frozenset({"zh_CN", "en_US", "zh_HK", "zh_TW"})
# The message is cut at a fixed width, so the tail of a long key may be missing (seen on the wire).
ARGUMENT_WIDTH: Final = 40
FIRST_MSGID: Final = 4_000_000_000_000_000_000
SENSITIVE: Final = "敏感词"
CREDITS_AT_MOST: Final = 1_000_000


class Messages:
    """The send API and its consequences. `receipt` is what the next sent events will say."""

    def __init__(self, world: World, emitter: Emitter) -> None:
        self._world = world
        self._emitter = emitter
        self.reset()

    def reset(self) -> None:
        self.receipt = ("0", "success")

    def send(self, account: Account) -> tuple[Mapping[str, Any], Mapping[str, object]]:
        """The reply and the journal's facts."""
        require("POST")
        given = json_body()
        openid = text_of(given, "touser", 40003)
        template = self._template(text_of(given, "template_id", 40037))
        facts = {"touser": openid, "template_id": template.template_id, "data": given.get("data")}
        user = account.by_openid(openid)
        if user is None:
            raise ApiError(40003)
        self._check(given, template)
        self._spend(account, openid, template)
        msgid = FIRST_MSGID + secrets.randbelow(10**18)
        account.messages.append(
            {**facts, "msgid": str(msgid), "page": given.get("page"), "at": self._world.bench.now()}
        )
        self._report(account, openid, template.template_id, msgid)
        return {"errcode": 0, "errmsg": "ok", "msgid": msgid}, {**facts, "msgid": str(msgid)}

    def _template(self, template_id: str) -> Template:
        template = TEMPLATES.get(template_id)
        if template is None:
            raise ApiError(40037)
        return template

    def _check(self, given: Mapping[str, Any], template: Template) -> None:
        page = given.get("page")
        if page is not None and (not isinstance(page, str) or page.startswith("/") or "pages" not in page):
            raise ApiError(41030)
        if given.get("miniprogram_state", "formal") not in STATES or given.get("lang", "zh_CN") not in LANGUAGES:
            raise ApiError(47003, "miniprogram_state or lang invalid")
        data = given.get("data")
        if not isinstance(data, dict):
            raise ApiError(47003, "data invalid")
        for key in template.keys:
            member = data.get(key)
            value = member.get("value") if isinstance(member, dict) else None
            if not acceptable(key, value):
                raise ApiError(47003, f"data.{key}.value invalid"[:ARGUMENT_WIDTH])
            if SENSITIVE in str(value):
                raise ApiError(45168)

    def _spend(self, account: Account, openid: str, template: Template) -> None:
        left = account.credits.get((openid, template.template_id), 0)
        if left <= 0:
            raise ApiError(43101)
        if template.kind != LONG_TERM:
            account.credits[openid, template.template_id] = left - 1

    def _report(self, account: Account, openid: str, template_id: str, msgid: int) -> None:
        code, status = self.receipt
        item = {"TemplateId": template_id, "MsgID": str(msgid), "ErrorCode": code, "ErrorStatus": status}
        self._emitter.emit(account.config, openid, "subscribe_msg_sent_event", [item])

    def answer_popup(self, account: Account, openid: str, answers: Mapping[str, str]) -> None:
        """The citizen taps: credits, and the popup event."""
        for template_id, answer in answers.items():
            if answer == "accept":
                credit = account.credits.get((openid, template_id), 0)
                account.credits[openid, template_id] = min(credit + 1, CREDITS_AT_MOST)
        items = [
            {"TemplateId": template_id, "SubscribeStatusString": answer, "PopupScene": "0"}
            for template_id, answer in answers.items()
        ]
        self._emitter.emit(account.config, openid, "subscribe_msg_popup_event", items)

    def turn_off(self, account: Account, openid: str, template_id: str) -> None:
        """The citizen turns a template off in WeChat's service notifications."""
        account.credits[openid, template_id] = 0
        item = {"TemplateId": template_id, "SubscribeStatusString": "reject"}
        self._emitter.emit(account.config, openid, "subscribe_msg_change_event", [item])
