"""wechatpy 1.8.18, wrapped once; no other module imports it. It carries `subscribe/send` and reads XML pushes.

What is replaced, and why (wechat.md part 10, security.md part 9):
- transport: its own `requests.Session` has no timeout, follows redirects and reads proxies; ours is core.http's.
- tokens: it refreshes per process and, on a lasting 40001, refetches and resends without bound (488 sends counted);
  `auto_retry=False` and the shared holder of tokens.py stand in.
- answers: it decodes leniently, hands a raw response back for non-JSON, and raises errors that carry the request with
  the token in its URL; `_handle_result` reads strictly and returns our Reply instead.
- `send_subscribe_message`: it lacks `miniprogram_state` and `lang`, which the page calls required.
- events: it knows none of the subscribe events; three classes are added to its registry.
- crypto and signatures: it compares with `!=` and does not check padding, so callbacks.py has its own; nothing of
  wechatpy's sees a push before our signature check, strict unpadding and XML limits.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from xml.parsers.expat import ExpatError  # the class xmltodict lets escape; no parser of this module is used

from wechatpy import parse_message
from wechatpy.client import WeChatClient
from wechatpy.events import BaseEvent, register_event
from wechatpy.exceptions import WeChatClientException
from wechatpy.fields import BaseField

from app.core import http
from app.core.errors import PlatformGarbled
from app.platforms.wechat import client, tokens, xmlguard
from app.platforms.wechat.client import Reply
from app.platforms.wechat.codes import PLATFORM
from app.platforms.wechat.xmlguard import BadXml
from config.settings import WechatApp, get_settings

SUBSCRIBE_SEND: Final = "subscribe_send"


class _Holder:
    """wechatpy's session seam (get, set, delete) over our shared token: it reads here, and stores nothing."""

    def __init__(self, app: WechatApp) -> None:
        self._app = app

    def get(self, _key: str, default: str | None = None) -> str | None:
        return tokens.get(self._app) or default

    def set(self, _key: str, _value: str, _ttl: int | None = None) -> None:
        return

    def delete(self, _key: str) -> None:
        return


class Sdk(WeChatClient):
    """One app's WeChatClient on our road. It holds no token and no cookie, so threads may share it."""

    def __init__(self, app: WechatApp, base_url: str) -> None:
        # The secret stays out: only the token holder ever needs it.
        super().__init__(app.app_id, "", session=_Holder(app), auto_retry=False)
        self.API_BASE_URL = f"{base_url.rstrip('/')}/cgi-bin/"
        self._http = http.session(PLATFORM, SUBSCRIBE_SEND)
        self._app = app

    def fetch_access_token(self) -> dict[str, Any]:
        """Its own version asks /cgi-bin/token at a fixed host; ours answers from the holder."""
        return {"access_token": tokens.get(self._app)}

    def _handle_result(self, res: Any, *_args: Any, **_kwargs: Any) -> Reply:
        return client.read(SUBSCRIBE_SEND, res.status_code, res.content)

    def subscribe_send(self, token: str, body: Mapping[str, Any]) -> Reply:
        """POST message/subscribe/send with all its fields (subscribeMessage.send page)."""
        try:
            reply = self.post(
                "message/subscribe/send",
                params={"access_token": token},
                data=dict(body),
                headers={"Content-Type": "application/json"},
            )
        except WeChatClientException as error:
            # Raised for HTTP errors only; it holds the request, whose URL holds the token, so the chain is cut.
            status = getattr(error.response, "status_code", 0)
            raise PlatformGarbled(PLATFORM, SUBSCRIBE_SEND, f"http_{status}") from None
        if not isinstance(reply, Reply):
            raise PlatformGarbled(PLATFORM, SUBSCRIBE_SEND, "shape")
        return reply


def sdk_for(app: WechatApp) -> Sdk:
    """The shared client of this app: wechatpy inspects forty API classes at each construction, half a millisecond."""
    return _made(app, get_settings().wechat_base_url)


@lru_cache(maxsize=256)
def _made(app: WechatApp, base_url: str) -> Sdk:
    return Sdk(app, base_url)


@register_event("subscribe_msg_popup_event")
class PopupEvent(BaseEvent):
    """The citizen answered the subscribe pop-up."""

    event = "subscribe_msg_popup_event"
    items = BaseField("SubscribeMsgPopupEvent")


@register_event("subscribe_msg_change_event")
class ChangeEvent(BaseEvent):
    """The citizen turned a subscription off in WeChat."""

    event = "subscribe_msg_change_event"
    items = BaseField("SubscribeMsgChangeEvent")


@register_event("subscribe_msg_sent_event")
class SentEvent(BaseEvent):
    """The final result of one send."""

    event = "subscribe_msg_sent_event"
    items = BaseField("SubscribeMsgSentEvent")


def read_xml(raw: bytes) -> dict[str, Any]:
    """A decrypted XML push in the shape of a JSON one: top-level members, and `List` without its wrapper.

    Values are what stood there, text or deeper; the caller checks every type. Raises BadXml.
    """
    root = xmlguard.read(raw)
    xmlguard.single_text(root, "MsgType")
    try:
        message = parse_message(raw)
    except (ExpatError, KeyError, TypeError, AttributeError, ValueError):
        raise BadXml("message") from None
    # The mapping itself: its typed fields would turn CreateTime into a number by int(), which reads full-width digits.
    members = dict(message._data)  # noqa: SLF001  the SDK offers no other way to the whole
    if isinstance(message, (PopupEvent, ChangeEvent, SentEvent)):
        wrapped = message.items
        members["List"] = wrapped.get("List") if isinstance(wrapped, dict) else None
    return members
