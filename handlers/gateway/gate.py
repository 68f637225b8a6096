"""The gate of the road: whose token this is and whether it may go on so often, in one round trip to Redis.

One EVALSHA holds identity's look-up and the limiter's bucket. Each thread has its own connection and nothing is ever
pipelined over it, and the script returns the token's hash, which is compared: an answer can not be another citizen's
(performance.md part 1). What Redis does not know is asked of SQL by identity; without Redis everything still works,
slower.
"""

import hashlib
import os
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

import redis
from redis.exceptions import NoScriptError

from app.core import clock, kv, limits
from app.core.errors import Problem
from app.core.log import get_log
from app.core.principal import Principal
from config.settings import get_settings
from identity import hot, sessions
from identity.authenticate import APP_FORM, CHALLENGE

log = get_log("gateway")

ACTION: Final = "service_call_citizen"
MIX_UP: Final = "reply_of_another_request"

# KEYS session, seen, bucket; ARGV now_s, idle_s, seen_s (as identity's script), interval_us, burst, echo.
SCRIPT: Final = f"""
{limits.BUCKET_LUA}
local function look()
{hot.LOOKUP_LUA}
end
local found = look()
if found[1] == '' or found[1] == 'x' then return {{ARGV[6], 0, found[1], 0}} end
local wait = tb_bucket(KEYS[3], tonumber(ARGV[4]), tonumber(ARGV[5]), 1, tb_now())
return {{ARGV[6], wait, found[1], found[2]}}
"""
SHA: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


class MixedUp(Exception):
    """Redis answered somebody else's question: the connection is gone and so is the request."""


def enter(environ: Mapping[str, Any]) -> Principal:
    """The citizen of this request. Raises Problem app_required, unauthenticated, too_many_requests, unavailable."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthenticated()
    app = environ.get("HTTP_X_APP", "")
    if not is_known(app):
        raise Problem("app_required")
    if sessions.TOKEN_FORM.fullmatch(token) is None:
        raise _unauthenticated()
    principal = _session(sessions.hash_of(token))
    if principal is None or f"{principal.channel}/{principal.app_id}" != app:
        raise _unauthenticated()
    return principal


@lru_cache(maxsize=256)
def is_known(app: str) -> bool:
    match = APP_FORM.fullmatch(app)
    return match is not None and get_settings().knows_app(match[1], match[2])


def _unauthenticated() -> Problem:
    return Problem("unauthenticated", headers=CHALLENGE)


def _session(token_hash: str) -> Principal | None:
    try:
        wait_us, found = _asked(token_hash)
    except redis.RedisError as error:
        log.warning("gate_without_redis", error=type(error).__name__)
        return _read_through(token_hash)
    except MixedUp:
        log.warning("gate_mixed_up", reason=MIX_UP)
        raise Problem("unavailable", headers={"Retry-After": "1"}) from None
    if found.dead:
        return None
    if found.principal is None:
        return _read_through(token_hash)
    if wait_us:
        raise limits.refusal(ACTION, wait_us)
    if found.tell_sql:
        sessions.touch(token_hash)
    return found.principal


def _read_through(token_hash: str) -> Principal | None:
    principal = sessions.read_through(token_hash)
    if principal is not None:
        limits.take(ACTION, token_hash)
    return principal


def _asked(token_hash: str) -> tuple[int, hot.Found]:
    reply = _evaluate(_arguments(token_hash))
    if reply[0] != token_hash.encode():
        _drop()
        raise MixedUp
    return int(reply[1]), _found(cast("bytes", reply[2]), bool(reply[3]))


@lru_cache(maxsize=4096)
def _found(copy: bytes, tell_sql: bool) -> hot.Found:
    """A pure function of the copy's bytes, so remembering it keeps no session alive."""
    return hot.read([copy, tell_sql])


def _arguments(token_hash: str) -> tuple[Any, ...]:
    interval_us, burst = limits.bucket_args(ACTION)
    return (
        3, hot.session_key(token_hash), hot.seen_key(token_hash), limits.bucket_key(ACTION, token_hash),
        int(clock.now().timestamp()), get_settings().session_idle_s, hot.SEEN_S, interval_us, burst, token_hash,
    )  # fmt: skip


# ---- the wire ---------------------------------------------------------------------------------------------------


class _Wires(threading.local):
    """One connection a thread; any failure closes it, so no answer can wait there for the next request."""

    connection: Any = None


_wires = _Wires()


def _evaluate(arguments: tuple[Any, ...]) -> Any:
    try:
        return _once("EVALSHA", SHA, *arguments)
    except NoScriptError:
        _once("SCRIPT LOAD", SCRIPT)
        return _once("EVALSHA", SHA, *arguments)
    except redis.ConnectionError:  # a kept connection whose server went away; a fresh one tells whether it is back
        return _once("EVALSHA", SHA, *arguments)


def _once(*command: Any) -> Any:
    connection = _wires.connection or _opened()
    try:
        connection.send_command(*command)
        return connection.read_response()
    except redis.ResponseError:
        raise
    except BaseException:
        _drop()
        raise


def _opened() -> Any:
    pool = kv.client().connection_pool
    _wires.connection = pool.connection_class(**pool.connection_kwargs)
    return _wires.connection


def _drop() -> None:
    connection, _wires.connection = _wires.connection, None
    if connection is not None:
        connection.disconnect()


def _after_fork() -> None:
    global _wires  # noqa: PLW0603  two processes on one socket would read each other's answers
    _wires = _Wires()


os.register_at_fork(after_in_child=_after_fork)
