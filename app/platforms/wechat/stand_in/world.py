"""The stand-in's memory: per app its secret, users, codes, tokens, subscription credits, face flows and messages.

Everything here is touched under the bench's lock. Shapes are those of real identifiers (openid 28 characters starting
with `o`, session_key base64 of 16 bytes, MsgID 19 digits), so columns and logs meet realistic values.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from app.platforms.bench import Bench
from app.platforms.personas import PERSONAS
from config.settings import WechatApp

# wx.login codes live five minutes and serve once (wx.login page).
CODE_LIFE_S: Final = 300
# "Obtaining a code may rotate the session_key": here every third login does, so both cases happen in each test run.
ROTATE_EVERY: Final = 3


def _shape(text: str, length: int) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()[:length]


@dataclass
class User:
    """A WeChat user of one app. `risky` is refused at login (40226); `openid` is derived, so runs repeat."""

    key: str
    openid: str
    unionid: str
    name: str = ""
    id_number: str = ""
    note: str = ""
    risky: bool = False
    session_key: str = field(default="", repr=False)
    logins: int = 0

    def log_in(self) -> None:
        if not self.session_key or self.logins % ROTATE_EVERY == 0:
            self.session_key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.logins += 1

    def shown(self) -> dict[str, Any]:
        return {
            "user": self.key,
            "openid": self.openid,
            "name": self.name,
            "id_number": self.id_number,
            "note": self.note,
            "risky": self.risky,
        }


@dataclass
class Code:
    user: User
    expires_at: float
    used: bool = False


@dataclass
class Face:
    """One face flow. `outcome` is the verify_ret that queryverifyinfo will tell; 10300 until the client finished."""

    verify_id: str
    openid: str
    out_seq_no: str
    cert_hash: str
    cert_name: str
    expires_at: float
    outcome: int = 10300


@dataclass
class Account:
    """All that WeChat remembers for one appid."""

    config: WechatApp
    users: dict[str, User] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    credits: dict[tuple[str, str], int] = field(default_factory=dict)
    faces: dict[str, Face] = field(default_factory=dict)
    out_seq_nos: set[str] = field(default_factory=set)
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def app_id(self) -> str:
        return self.config.app_id

    def user(self, key_or_openid: str) -> User | None:
        found = self.users.get(key_or_openid)
        return found or next((user for user in self.users.values() if user.openid == key_or_openid), None)

    def by_openid(self, openid: object) -> User | None:
        return next((user for user in self.users.values() if user.openid == openid), None)

    def add_user(self, key: str, **more: Any) -> User:
        user = User(key, "o" + _shape(f"{self.app_id}|{key}", 27), "u" + _shape(f"union|{key}", 27), **more)
        self.users[key] = user
        return user


class World:
    """All accounts; `reset` rebuilds them with the standing cast."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.accounts: dict[str, Account] = {}
        self.reset()

    def reset(self) -> None:
        self.accounts = {config.app_id: Account(config) for config in self.bench.settings.wechat_apps}
        for account in self.accounts.values():
            for person in PERSONAS:
                account.add_user(person.key, name=person.name, id_number=person.id_number, note=person.note)
            account.add_user("risky", note="微信判为高风险，登录被拒 login refused with 40226", risky=True)

    def mint_code(self, account: Account, user: User) -> str:
        code = "0" + secrets.token_urlsafe(24)[:31]
        account.codes[code] = Code(user, self.bench.now() + CODE_LIFE_S)
        return code
