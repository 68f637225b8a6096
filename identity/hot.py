"""The hot copy of sessions in Redis: what the busiest road reads instead of SQL, and may lose at any moment.

    tb:session:<sha256 of the token>   a copy, or "x": a tombstone for as long as the token could have lived
    tb:seen:<sha256 of the token>      SQL has been told recently that the session is in use

    copy: {"v":version,"exp":unix s,"sid":..,"acc":..,"cit":..,"app":"wechat/<appid>","hat":"self","lv":{"2":unix ms}}

Ids, levels and times only: no name, number, openid or token. Every write goes through `put` or `bury`, so a slow reader
of SQL can overwrite neither a tombstone nor a newer copy. identity.sessions decides; the gateway may run LOOKUP_LUA
inside a script of its own to spare a round trip.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

import redis
from redis.commands.core import Script

from app.core import clock, kv, strictjson
from app.core.log import get_log
from app.core.principal import Principal

log = get_log("sessions")

TOMBSTONE: Final = b"x"
SEEN_S: Final = 300  # SQL learns of use at most this often

# KEYS session, seen; ARGV now_s, idle_s, seen_s. Answers {copy or tombstone or "", 1 if SQL should be told}.
LOOKUP_LUA: Final = """
local copy = redis.call('GET', KEYS[1])
if not copy then return {'', 0} end
if copy == 'x' then return {copy, 0} end
local left = tonumber(string.match(copy, '"exp":(%d+)')) - tonumber(ARGV[1])
if left <= 0 then return {'x', 0} end
redis.call('EXPIRE', KEYS[1], math.min(left, tonumber(ARGV[2])))
if redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[3]) then return {copy, 1} end
return {copy, 0}
"""
# KEYS session; ARGV copy, version, ttl_s.
PUT_LUA: Final = """
local copy = redis.call('GET', KEYS[1])
if copy == 'x' then return 0 end
if copy and tonumber(string.match(copy, '"v":(%d+)')) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return 1
"""


@dataclass(frozen=True)
class Copy:
    """A session as the hot copy holds it; `levels` maps a level to when it was proved."""

    token_hash: str
    session_id: str
    account_id: str
    citizen_id: str
    channel: str
    app_id: str
    levels: dict[int, datetime]
    version: int
    idle_until: datetime
    expires_at: datetime
    hat: str = "self"

    def principal(self) -> Principal:
        return Principal(
            self.session_id, self.account_id, self.citizen_id, self.channel, self.app_id, self.levels, self.hat
        )


@dataclass(frozen=True)
class Found:
    """What a look into Redis gave. Neither dead nor a principal: Redis knows nothing, ask SQL."""

    principal: Principal | None = None
    dead: bool = False
    tell_sql: bool = False


UNKNOWN: Final = Found()


def session_key(token_hash: str) -> str:
    return kv.key("session", token_hash)


def seen_key(token_hash: str) -> str:
    return kv.key("seen", token_hash)


def look(token_hash: str, idle_s: int) -> Found:
    """Read and keep alive, in one round trip. A Redis that is down is one that knows nothing."""
    keys = [session_key(token_hash), seen_key(token_hash)]
    try:
        reply = _script(LOOKUP_LUA)(keys=keys, args=[int(clock.now().timestamp()), idle_s, SEEN_S])
    except redis.RedisError as error:
        log.warning("hot_copy_unread", error=type(error).__name__)
        return UNKNOWN
    return read(cast("list[bytes | int]", reply))


def read(reply: list[bytes | int]) -> Found:
    """The answer of LOOKUP_LUA."""
    copy, tell_sql = cast("bytes", reply[0]), bool(reply[1])
    if copy == b"":
        return UNKNOWN
    if copy == TOMBSTONE:
        return Found(dead=True)
    return Found(_principal(copy), tell_sql=tell_sql)


def put(copy: Copy) -> bool:
    """Write unless a tombstone or a copy as new is there. False: Redis did not take it, the sweep will try again."""
    now = clock.now()
    ttl = int((min(copy.idle_until, copy.expires_at) - now).total_seconds())
    if ttl <= 0:
        return True
    try:
        _script(PUT_LUA)(keys=[session_key(copy.token_hash)], args=[_text(copy), copy.version, ttl])
    except redis.RedisError as error:
        log.warning("hot_copy_unwritten", error=type(error).__name__)
        return False
    return True


def bury(token_hash: str, expires_at: datetime) -> bool:
    """Leave a tombstone for as long as the token could have lived. False as with `put`."""
    ttl = int((expires_at - clock.now()).total_seconds()) + 1
    if ttl <= 0:
        return True
    try:
        kv.client().set(session_key(token_hash), TOMBSTONE, ex=ttl)
    except redis.RedisError as error:
        log.warning("tombstone_unwritten", error=type(error).__name__)
        return False
    return True


def _script(lua: str) -> Script:
    return kv.client().register_script(lua)


def _text(copy: Copy) -> bytes:
    return strictjson.dumps(
        {
            "v": copy.version,
            "exp": int(copy.expires_at.timestamp()),
            "sid": copy.session_id,
            "acc": copy.account_id,
            "cit": copy.citizen_id,
            "app": f"{copy.channel}/{copy.app_id}",
            "hat": copy.hat,
            "lv": {str(level): int(at.timestamp() * 1000) for level, at in copy.levels.items()},
        }
    )


def _principal(raw: bytes) -> Principal:
    copy = strictjson.loads(raw)
    channel, _, app_id = copy["app"].partition("/")
    levels = {int(level): datetime.fromtimestamp(ms / 1000, UTC) for level, ms in copy["lv"].items()}
    return Principal(copy["sid"], copy["acc"], copy["cit"], channel, app_id, levels, copy["hat"])
