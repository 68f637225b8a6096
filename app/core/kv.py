"""Redis for what may vanish: hot copies, limits, tokens of platforms, locks, wake-ups. Keys start `tb:` and have a TTL.

Emptying it must lose no accepted work; whoever writes here keeps the truth in SQL.
"""

from functools import lru_cache

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.settings import get_settings


@lru_cache(maxsize=1)
def client() -> "redis.Redis":
    """Bytes in and out. The pool blocks instead of raising when all connections are out (dependencies.md part 1)."""
    url = get_settings().redis_url.get_secret_value()
    pool = redis.BlockingConnectionPool.from_url(
        url, max_connections=64, timeout=5, socket_timeout=2, socket_connect_timeout=2, health_check_interval=30,
        # One new connection after a stale one. redis-py's own default sleeps and tries for seconds, in every request.
        retry=Retry(NoBackoff(), 1),
    )  # fmt: skip
    return redis.Redis(connection_pool=pool)


def key(*parts: str) -> str:
    return "tb:" + ":".join(parts)
