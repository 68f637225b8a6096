"""Subscription messages (subscribeMessage.send page, 2026-07). Found by app/platforms/registry.py as MESSAGES.

A refusal by WeChat or by its documented field rules is data (SendAnswer); "could not ask" is an exception. There is no
idempotency key, so a busy system (-1) after the bytes left is OutcomeUnknown: the caller's policy decides.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from app.core.errors import OutcomeUnknown
from app.core.log import get_log
from app.platforms.base import SendAnswer, SendState
from app.platforms.wechat import client, tokens
from app.platforms.wechat.codes import SYSTEM_ERROR
from app.platforms.wechat.fields import BadField, fitted
from app.platforms.wechat.sdk import SUBSCRIBE_SEND, sdk_for

log = get_log("wechat")

# errcode -> our reason (wechat.md 4.3). Everything else is sorted by codes.py.
REFUSALS: Final = {
    40003: "bad_recipient",
    40037: "bad_template",
    41030: "page",
    43101: "no_grant",
    43107: "banned",
    43108: "busy_recipient",
    45009: "quota",
    45168: "bad_content",
    47003: "bad_content",
}
LANGUAGES: Final = {
    "zh": "zh_CN",
    "zh-CN": "zh_CN",
    "zh-HK": "zh_HK",
    "zh-TW": "zh_TW",
    "en": "en_US",
    "en-US": "en_US",
}
PAGE: Final = re.compile(r"[A-Za-z0-9_][\x21-\x7e]{0,1023}")


class WechatMessages:
    """Implements base.Messages."""

    def send(
        self, app_id: str, openid: str, template_id: str, values: Mapping[str, str], page: str | None, lang: str
    ) -> SendAnswer:
        """One message. `lang` is a tag of ours (zh-CN) or one of theirs; an unknown one falls back to zh_CN.

        Raises NotSent, OutcomeUnknown (also for errcode -1), PlatformError.
        """
        app = client.get_app(app_id, SUBSCRIBE_SEND)
        refusal = _refused_here(page)
        if refusal is not None:
            return refusal
        try:
            data = {key: {"value": value} for key, value in fitted(values).items()}
        except BadField as bad:
            return SendAnswer(SendState.REFUSED, reason="bad_content", code=f"local_{bad.field}")
        body = _body(openid, template_id, data, page, lang)
        sdk = sdk_for(app)
        return _answer(tokens.call(app, SUBSCRIBE_SEND, lambda token: sdk.subscribe_send(token, body)))


def _refused_here(page: str | None) -> SendAnswer | None:
    # A leading slash or control character would only come back as 41030 after spending a call.
    if page is not None and not PAGE.fullmatch(page):
        return SendAnswer(SendState.REFUSED, reason="page", code="local_page")
    return None


def _body(openid: str, template_id: str, data: Mapping[str, Any], page: str | None, lang: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "touser": openid,
        "template_id": template_id,
        "data": dict(data),
        # Both are called required and given defaults by the page: always sent. Never developer or trial from a server.
        "miniprogram_state": "formal",
        "lang": LANGUAGES.get(lang, lang if lang in LANGUAGES.values() else "zh_CN"),
    }
    return body | ({"page": page} if page else {})


def _answer(reply: client.Reply) -> SendAnswer:
    if reply.ok:
        # An int64 above 2^53: text from here on. The response table omits it, so its absence is no failure.
        found = reply.data.get("msgid")
        return SendAnswer(SendState.ACCEPTED, message_id=str(found) if type(found) is int else "")
    if reply.errcode == SYSTEM_ERROR:
        raise OutcomeUnknown("system_error")
    if reply.errcode in REFUSALS:
        log.info("wechat_message_refused", code=str(reply.errcode), reason=REFUSALS[reply.errcode], trace=reply.rid)
        return SendAnswer(SendState.REFUSED, reason=REFUSALS[reply.errcode], code=str(reply.errcode))
    raise client.refused(SUBSCRIBE_SEND, reply)


MESSAGES: Final = WechatMessages()
