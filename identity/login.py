"""Login: a mini-program's code becomes a session, once.

The code is burnt in SQL before it is exchanged, so that of any number of requests with it one at most reaches the
channel, and a restart in between cannot give it a second life. An exchange that fails in any way leaves it burnt: the
client fetches a new code. Only what the channel itself answers says who is there (L1, L2, L4, L6, L9).
"""

import hashlib
from datetime import timedelta
from typing import Final

from sqlalchemy.dialects.postgresql import insert

from app.core import audit, clock, limits
from app.core.db import PROVINCE, purge, transaction
from app.core.errors import OutboundError, PlatformError, Problem
from app.core.log import get_log
from app.platforms import registry
from app.platforms.base import ChannelIdentity, CodeRefused
from identity import accounts, sessions
from identity.models import LoginCode
from identity.sessions import NewSession

log = get_log("login")

NEW_CODE: Final = {"next": "fetch_new_code"}
RETRY_AFTER_S: Final = 5
BURNT_FOR: Final = timedelta(hours=1)  # the channel's own codes live five minutes


def log_in(channel: str, app_id: str, code: str, address: str) -> NewSession:
    """Exchange the code and start a session. `address`: the caller's, for the limiter. Raises Problem."""
    limits.take("login_address", address)
    limits.take("login_app", f"{channel}|{app_id}")
    _burn(channel, app_id, code)
    who = _exchange(channel, app_id, code)
    with transaction() as db:
        account = accounts.sign_in(db, channel, app_id, who)
        started = sessions.start(db, account)
        audit.record(
            db, actor=account.id, act="login", object_id=started.session.id, outcome="done",
            detail={"channel": channel, "app_id": app_id},
        )  # fmt: skip
    return started


def _burn(channel: str, app_id: str, code: str) -> None:
    code_hash = hashlib.sha256(f"{channel}|{app_id}|{code}".encode()).hexdigest()
    with transaction() as db:
        burnt = db.execute(
            insert(LoginCode)
            .values(code_hash=code_hash, tenant_id=PROVINCE, burnt_at=clock.now())
            .on_conflict_do_nothing()
            .returning(LoginCode.code_hash)
        )
        if burnt.first() is None:
            raise Problem("code_refused", detail=NEW_CODE)


def _exchange(channel: str, app_id: str, code: str) -> ChannelIdentity:
    try:
        return registry.login(channel).exchange(app_id, code)
    except CodeRefused as refusal:
        log.info("code_refused", channel=channel, reason=refusal.reason)
        raise Problem("code_refused", detail=NEW_CODE) from None
    except (OutboundError, PlatformError) as error:
        wait = max(RETRY_AFTER_S, getattr(error, "retry_after_s", 0))
        log.warning("login_unavailable", channel=channel, error=type(error).__name__)
        raise Problem("login_unavailable", detail=NEW_CODE, headers={"Retry-After": str(wait)}) from None


def forget_codes() -> None:
    """Purge codes the channel itself would no longer take."""
    purge(LoginCode, LoginCode.burnt_at < clock.now() - BURNT_FOR)
