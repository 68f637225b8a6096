"""How processes learn that what is live has changed: a version in Redis, asked for every two seconds.

`changed` is called inside the transaction of the change. Losing the key (an emptied Redis) makes a new one, which makes
every process look at SQL once more.
"""

import itertools
import secrets
from typing import Final, cast

import redis
from sqlalchemy.orm import Session

from app.core import kv
from app.core.db import after_commit
from app.core.log import get_log

log = get_log("gateway")

DAY_S: Final = 86_400
VERSION_KEY: Final = kv.key("gateway", "version")

_epochs = itertools.count(1)
_here = {"epoch": 0}


def changed(db: Session) -> None:
    """After the open transaction commits, this process and every other learn that their copy is old."""
    after_commit(db, _announce)


def epoch() -> int:
    """Grows with every change this process itself made: it need not wait to hear of it."""
    return _here["epoch"]


def version() -> bytes | None:
    """The announced version; None when it cannot be known, and SQL must be asked."""
    try:
        client = kv.client()
        found = cast("bytes | None", client.get(VERSION_KEY))
        if found is None:
            client.set(VERSION_KEY, secrets.token_hex(8), ex=DAY_S, nx=True)
            found = cast("bytes | None", client.get(VERSION_KEY))
    except redis.RedisError:
        return None
    return found


def _announce() -> None:
    _here["epoch"] = next(_epochs)
    try:
        kv.client().set(VERSION_KEY, secrets.token_hex(8), ex=DAY_S)
    except redis.RedisError as error:
        log.warning("registry_not_announced", error=type(error).__name__)
