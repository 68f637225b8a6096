"""access_token as WeChat keeps it: two isolated kinds, overlap, renewal ahead of time (wechat.md part 2).

/cgi-bin/token         a new token each call; the old one lives on for five minutes
/cgi-bin/stable_token  the same token with its remaining life; renewed in its last five minutes; force kills the old one
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import request

from app.platforms.wechat.stand_in.wire import ApiError, json_body, require, text_of
from app.platforms.wechat.stand_in.world import Account, World

LIFE_S: Final = 7200
OVERLAP_S: Final = 300
FORCE_EVERY_S: Final = 30
FORCE_A_DAY: Final = 20
# "Reserve at least 512 characters" (getAccessToken page): so they are exactly that long here.
TOKEN_CHARS: Final = 512
SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{512}")


@dataclass
class Token:
    app_id: str
    value: str = field(repr=False)
    expires_at: float = 0.0


@dataclass
class _Kind:
    """The current token of one kind for one app, and when it was force-refreshed."""

    current: Token | None = None
    forced_at: list[float] = field(default_factory=list)


class Tokens:
    """Every token ever minted, until its end; `check` is what each API calls first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._alive: dict[str, Token] = {}
        self._stable: dict[str, _Kind] = {}
        self._plain: dict[str, _Kind] = {}
        self.minted = 0

    def reset(self) -> None:
        self.__init__(self._world)  # type: ignore[misc]  # starting over is exactly what a reset means

    def check(self, path: str) -> Account:
        """The account the request's token belongs to, or 41001, 40014, 40001, 42001. `path` is for fault patterns."""
        value = request.args.get("access_token", "")
        if not value:
            raise ApiError(41001)
        if not SHAPE.fullmatch(value):
            raise ApiError(40014)
        token = self._alive.get(value)
        if token is None:
            raise ApiError(40001)
        if token.expires_at <= self._world.bench.now() or self._expired_by_script(path):
            # The scripted expiry is a real one: the token stays dead, so only a fresh one can help.
            token.expires_at = 0.0
            self._forget(token)
            raise ApiError(42001)
        return self._world.accounts[token.app_id]

    def _expired_by_script(self, path: str) -> bool:
        return self._world.bench.fault("expired-token", path) is not None

    def revoke_all(self) -> None:
        """Kill every token as a leak response would: unknown from now on (40001)."""
        self._alive.clear()
        self._stable.clear()
        self._plain.clear()

    def plain(self) -> Mapping[str, Any]:
        require("GET")
        if request.args.get("grant_type") != "client_credential":
            raise ApiError(40002)
        account = self._account(request.args.get("appid", ""), request.args.get("secret", ""))
        kind = self._plain.setdefault(account.app_id, _Kind())
        if kind.current is not None:
            kind.current.expires_at = min(kind.current.expires_at, self._world.bench.now() + OVERLAP_S)
        kind.current = self._mint(account)
        return {"access_token": kind.current.value, "expires_in": LIFE_S}

    def stable(self) -> Mapping[str, Any]:
        require("POST")
        given = json_body()
        if given.get("grant_type") != "client_credential":
            raise ApiError(40002)
        account = self._account(text_of(given, "appid", 41002), text_of(given, "secret", 41004))
        kind = self._stable.setdefault(account.app_id, _Kind())
        now = self._world.bench.now()
        if given.get("force_refresh") is True and self._may_force(kind, now):
            kind.forced_at.append(now)
            self._kill(kind)
        if kind.current is None or kind.current.expires_at - now <= OVERLAP_S:
            kind.current = self._mint(account)
        return {"access_token": kind.current.value, "expires_in": int(kind.current.expires_at - now)}

    def _account(self, app_id: str, secret: str) -> Account:
        if not app_id:
            raise ApiError(41002)
        if not secret:
            raise ApiError(41004)
        account = self._world.accounts.get(app_id)
        if account is None:
            raise ApiError(40013)
        if secret != account.config.secret.get_secret_value():
            raise ApiError(40125)
        return account

    def _may_force(self, kind: _Kind, now: float) -> bool:
        today = [at for at in kind.forced_at if now - at < 24 * 3600]
        return len(today) < FORCE_A_DAY and (not today or now - today[-1] >= FORCE_EVERY_S)

    def _mint(self, account: Account) -> Token:
        token = Token(
            account.app_id, secrets.token_urlsafe(TOKEN_CHARS)[:TOKEN_CHARS], self._world.bench.now() + LIFE_S
        )
        self._alive[token.value] = token
        self.minted += 1
        return token

    def _kill(self, kind: _Kind) -> None:
        if kind.current is not None:
            self._alive.pop(kind.current.value, None)
            kind.current = None

    def _forget(self, token: Token) -> None:
        for kinds in (self._stable, self._plain):
            kind = kinds.get(token.app_id)
            if kind is not None and kind.current is token:
                kind.current = None
