"""One access_token per app for all processes: stable_token, a shared cache, one refresher at a time (security.md L8).

    get(app)        the cached token, or a fresh one from /cgi-bin/stable_token in normal mode
    call(app, ...)  one API call; on 40001 / 40014 / 42001 at most one repeat, and at most one refresh in all

Normal mode hands the same token to every caller until five minutes before its end, so a race costs quota and nothing
else; `force_refresh` kills the token under everybody's feet and is never used. The token rests sealed in Redis. Three
calls in a row that fail with a fresh token stop all calls of the app for half a minute: WeChat is not going to change
its mind within one request, and every attempt spends two sends and a refresh.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import redis

from app.core import clock, crypto, kv
from app.core.errors import OutcomeUnknown, PlatformBusy, PlatformGarbled
from app.core.log import get_log
from app.platforms.wechat import client
from app.platforms.wechat.client import Reply
from app.platforms.wechat.codes import PLATFORM, STALE_TOKEN
from config.settings import WechatApp

OPERATION: Final = "stable_token"
# A reply may legitimately say 300 s, and the platform overlaps old and new by as much: so the margin is well below.
MARGIN_S: Final = 90
LOCK_S: Final = 15
WAIT_S: Final = 5.0
POLL_S: Final = 0.05
STRIKES: Final = 3
HOLD_S: Final = 30
RETRY_S: Final = 2
TOKEN_CHARS: Final = 2048

# Delete the cached token only while it is the one that failed: a slower process must not drop its successor.
DROP_IF_STILL: Final = "if redis.call('hget', KEYS[1], 'digest') == ARGV[1] then return redis.call('del', KEYS[1]) end"
RELEASE_IF_MINE: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"

log = get_log("wechat")


@dataclass(frozen=True)
class _Token:
    """`lives_s` only when just fetched by this very call; a cached one says 0."""

    value: str = field(repr=False)
    lives_s: int = 0


def call(app: WechatApp, operation: str, send: Callable[[str], Reply]) -> Reply:
    """`send(token)` once, and once more with a fresh token if WeChat called it stale. Never a third time.

    Raises what `send` raises; PlatformBusy while the app is held or when a token fetched a moment ago is called stale;
    PlatformMisconfigured when its successor, or the same one handed out again, is refused too.
    """
    _refuse_while_held(app)
    token = _obtain(app)
    reply = send(token.value)
    if reply.errcode not in STALE_TOKEN:
        return reply
    _drop(app, token.value)
    if token.lives_s:
        # Fetched within this call: normal mode would hand out the same one, so the caller comes back in a moment.
        _strike(app)
        raise PlatformBusy(PLATFORM, operation, str(reply.errcode), trace=reply.rid, retry_after_s=1)
    return _once_more(app, operation, token.value, reply, send)


def _once_more(app: WechatApp, operation: str, failed: str, reply: Reply, send: Callable[[str], Reply]) -> Reply:
    successor = _obtain(app).value
    # Normal mode returns the token it believes in: if that is the refused one, sending it again cannot help.
    if successor != failed:
        reply = send(successor)
    if reply.errcode in STALE_TOKEN:
        _strike(app)
        raise client.refused(operation, reply)
    _forgive(app)
    return reply


def get(app: WechatApp) -> str:
    """The token to use now. Raises PlatformError or NotSent when there is none to be had."""
    return _obtain(app).value


def _obtain(app: WechatApp) -> _Token:
    try:
        return _cached(app) or _refresh(app)
    except redis.RedisError:
        # Without the shared cache WeChat itself is the cache: normal mode repeats the same token (10,000 a minute).
        log.warning("wechat_token_cache_down", app_id=app.app_id)
        return _fetch(app)


def _drop(app: WechatApp, failed: str) -> None:
    try:
        kv.client().eval(DROP_IF_STILL, 1, _key(app), _digest(failed))
    except redis.RedisError:
        log.warning("wechat_token_cache_down", app_id=app.app_id)


def _refresh(app: WechatApp) -> _Token:
    """Single flight over all processes: one fetches, the others wait for its result."""
    store, lock, mine = kv.client(), kv.key("wechat", "token-lock", app.app_id), secrets.token_hex(8)
    deadline = clock.monotonic() + WAIT_S
    while not store.set(lock, mine, nx=True, px=LOCK_S * 1000):
        time.sleep(POLL_S)
        if token := _cached(app):
            return token
        if clock.monotonic() > deadline:
            raise PlatformBusy(PLATFORM, OPERATION, "refreshing", retry_after_s=1)
    try:
        # Somebody may have finished between our look and our lock.
        return _cached(app) or _keep(app, _fetch(app))
    finally:
        with suppress(redis.RedisError):  # the lock ends by itself, and the token in hand is good
            store.eval(RELEASE_IF_MINE, 1, lock, mine)


def _fetch(app: WechatApp) -> _Token:
    body = {
        "grant_type": "client_credential",
        "appid": app.app_id,
        "secret": app.secret.get_secret_value(),
        "force_refresh": False,
    }
    try:
        reply = client.post(OPERATION, "/cgi-bin/stable_token", body)
    except (OutcomeUnknown, PlatformGarbled) as error:
        # Asking again is harmless in normal mode. Passed on as it is, it would be read as the unknown outcome of the
        # call that wanted the token, and a message that never left would never be sent.
        log.warning("wechat_token_not_fetched", app_id=app.app_id, error=type(error).__name__)
        raise PlatformBusy(PLATFORM, OPERATION, "no_answer", retry_after_s=RETRY_S) from None
    if not reply.ok:
        raise client.refused(OPERATION, reply)
    value, lives_s = reply.data.get("access_token"), reply.data.get("expires_in")
    if not isinstance(value, str) or not 0 < len(value) <= TOKEN_CHARS or type(lives_s) is not int:
        raise PlatformBusy(PLATFORM, OPERATION, "token_shape", retry_after_s=RETRY_S)
    return _Token(value, max(lives_s, 1))


def _keep(app: WechatApp, fresh: _Token) -> _Token:
    usable_s = fresh.lives_s - MARGIN_S
    if usable_s > 0:
        pipe = kv.client().pipeline(transaction=True)
        pipe.hset(_key(app), mapping={"sealed": _seal(app, fresh.value), "digest": _digest(fresh.value)})
        pipe.expire(_key(app), usable_s)
        pipe.execute()
    return fresh


def _cached(app: WechatApp) -> _Token | None:
    sealed = kv.client().hget(_key(app), "sealed")
    if not isinstance(sealed, bytes):
        return None
    try:
        return _Token(crypto.unseal(sealed.decode(), table="kv", column="wechat_token", row_id=app.app_id))
    except crypto.Unsealable:
        return None  # sealed under a retired key: as good as absent


def _seal(app: WechatApp, value: str) -> str:
    return crypto.seal(value, table="kv", column="wechat_token", row_id=app.app_id)


def _refuse_while_held(app: WechatApp) -> None:
    try:
        strikes = int(kv.client().get(_strikes(app)) or 0)
    except redis.RedisError:
        return  # without Redis each call is still bounded: two sends, one refresh
    if strikes >= STRIKES:
        raise PlatformBusy(PLATFORM, OPERATION, "token_refused", retry_after_s=HOLD_S)


def _strike(app: WechatApp) -> None:
    try:
        pipe = kv.client().pipeline(transaction=True)
        pipe.incr(_strikes(app))
        pipe.expire(_strikes(app), HOLD_S)
        pipe.execute()
    except redis.RedisError:
        log.warning("wechat_token_cache_down", app_id=app.app_id)


def _forgive(app: WechatApp) -> None:
    try:
        kv.client().delete(_strikes(app))
    except redis.RedisError:
        log.warning("wechat_token_cache_down", app_id=app.app_id)


def _key(app: WechatApp) -> str:
    return kv.key("wechat", "token", app.app_id)


def _strikes(app: WechatApp) -> str:
    return kv.key("wechat", "token-strikes", app.app_id)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
