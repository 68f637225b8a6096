"""The limiter (security.md P9): one token bucket a (action, subject), atomic in Redis, its rules in config/limits.py.

`take` spends one or refuses. What may only fail so often (real names, TOTP) is counted in SQL by its room, since such
counts must outlive Redis.

The bucket is kept as one instant, the moment at which it would be full again (GCRA, ITU-T I.371): one GET, one SET with
a TTL, the time from Redis's own clock so that hosts agree. Subjects are hashed, so no address or number rests in Redis.
`BUCKET_LUA`, `bucket_key` and `bucket_args` let a caller put a bucket into a script of its own, so that session look-up
and limit are one round trip.
"""

import hashlib
import math
import threading
from functools import lru_cache
from typing import Any, Final

import redis

from app.core import clock, kv
from app.core.errors import Problem
from app.core.log import get_log
from config.limits import LIMITS

log = get_log("limits")

MICRO: Final = 1_000_000
MOST_LOCAL: Final = 10_000
RETRY_WHEN_DOWN_S: Final = 5

# local function tb_bucket(key, interval_us, burst, cost, now_us): 0 when spent, else microseconds to wait. Redis 6.2
# and newer.
BUCKET_LUA: Final = """
local function tb_now()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local function tb_bucket(key, interval_us, burst, cost, now_us)
  local full_at = tonumber(redis.call('GET', key) or '0')
  if full_at < now_us then full_at = now_us end
  local next_full = full_at + interval_us * cost
  local wait = next_full - interval_us * burst - now_us
  if wait > 0 then return math.ceil(wait) end
  redis.call('SET', key, string.format('%.0f', next_full), 'PX', math.ceil((next_full - now_us) / 1000) + 1000)
  return 0
end
"""
_SCRIPT: Final = (
    BUCKET_LUA + "return tb_bucket(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tb_now())"
)

_local: dict[str, float] = {}
_local_lock = threading.Lock()


def take(action: str, subject: str, cost: int = 1) -> None:
    """Spend, or raise Problem too_many_requests with Retry-After; unavailable when Redis is down and the rule closed.

    `action` is a row of config/limits.py, `subject` whoever is counted (an id, an address, a blind index).
    """
    wait_us = _ask(action, subject, cost)
    if wait_us > 0:
        raise refusal(action, wait_us)


def bucket_key(action: str, subject: str) -> str:
    """The Redis key of a bucket; the subject is hashed."""
    return kv.key("lim", action, hashlib.sha256(subject.encode()).hexdigest()[:32])


@lru_cache(maxsize=len(LIMITS))
def bucket_args(action: str) -> tuple[int, int]:
    """(interval in microseconds, burst): what tb_bucket takes."""
    rule = LIMITS[action]
    return math.ceil(MICRO / rule.per_s), rule.capacity


def refusal(action: str, wait_us: int) -> Problem:
    """The Problem for a bucket that answered `wait_us`; for callers with their own script."""
    return Problem(
        "too_many_requests",
        detail={"limit": action},
        headers={"Retry-After": str(max(1, math.ceil(wait_us / MICRO)))},
    )


def _ask(action: str, subject: str, cost: int) -> int:
    key, (interval_us, burst) = bucket_key(action, subject), bucket_args(action)
    try:
        return int(_script(kv.client())(keys=[key], args=[interval_us, burst, cost]))
    except redis.RedisError as error:
        log.warning("limiter_without_redis", action=action, error=type(error).__name__)
        if LIMITS[action].when_redis_down == "closed":
            raise Problem("unavailable", headers={"Retry-After": str(RETRY_WHEN_DOWN_S)}) from None
        return _ask_here(key, interval_us, burst, cost)


@lru_cache(maxsize=2)
def _script(client: "redis.Redis") -> Any:
    return client.register_script(_SCRIPT)


def _ask_here(key: str, interval_us: int, burst: int, cost: int) -> int:
    """The same bucket in this process, while Redis is away."""
    now_us = clock.monotonic() * MICRO
    with _local_lock:
        next_full = max(_local.get(key, 0.0), now_us) + interval_us * cost
        wait = next_full - interval_us * burst - now_us
        if wait > 0:
            return math.ceil(wait)
        if len(_local) >= MOST_LOCAL:
            _local.clear()  # a moment of generosity instead of memory without end
        _local[key] = next_full
    return 0
