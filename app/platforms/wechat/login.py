"""code2Session (auth.code2Session page, 2026-07): a wx.login code for an openid, once, server to server.

Found by app/platforms/registry.py as LOGIN. No access_token is involved on purpose: the stock SDK fetches one first, so
an IP allow-list problem would block login. The session_key goes to the caller and nowhere else; nothing here keeps it.
"""

import re
from typing import Final

from app.core.errors import PlatformGarbled
from app.platforms.base import ChannelIdentity, CodeRefused
from app.platforms.wechat import client
from app.platforms.wechat.codes import PLATFORM

OPERATION: Final = "jscode2session"
CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
OPENID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")

# What code2Session says about a code; every other errcode is about us and sorted by codes.py.
REFUSALS: Final = {40029: "invalid", 40163: "used", 40226: "blocked"}


class WechatLogin:
    """Implements base.Login."""

    def exchange(self, app_id: str, code: str) -> ChannelIdentity:
        """Raises CodeRefused(invalid | used | blocked), PlatformError, NotSent, OutcomeUnknown.

        Never retried: after a time-out the code may be burnt (40163), so the client must fetch a new one.
        """
        app = client.get_app(app_id, OPERATION)
        if not CODE.fullmatch(code):
            raise CodeRefused("invalid")
        query = {
            "appid": app.app_id,
            "secret": app.secret.get_secret_value(),
            "js_code": code,
            "grant_type": "authorization_code",
        }
        reply = client.get(OPERATION, "/sns/jscode2session", query)
        if reply.errcode in REFUSALS:
            raise CodeRefused(REFUSALS[reply.errcode])
        if not reply.ok:
            raise client.refused(OPERATION, reply)
        return _identity(reply)


def _identity(reply: client.Reply) -> ChannelIdentity:
    openid, unionid, key = (reply.data.get(name) for name in ("openid", "unionid", "session_key"))
    if not isinstance(openid, str) or not OPENID.fullmatch(openid) or not isinstance(key, str) or not key:
        raise PlatformGarbled(PLATFORM, OPERATION, "identity")
    if unionid is not None and not isinstance(unionid, str):
        raise PlatformGarbled(PLATFORM, OPERATION, "identity")
    return ChannelIdentity(openid=openid, unionid=unionid or None, session_key=key)


LOGIN: Final = WechatLogin()
