"""The only reader of the environment: typed, frozen, secrets that print as stars.

`get_settings()` reads once. Everything wrong is reported at once, each with its mend, as one `SettingsError`.
Production refuses what only a demo may have: default secrets, debug, the sandbox, plain-HTTP callbacks, egress
exceptions.
"""

import base64
import binascii
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config import platforms

KEY_BYTES = 32
SUITES = ("aes-256-gcm", "sm4-gcm")
# A secret that ever stood in a document or an example is no secret; `demo` and `test` values carry one of these words.
GIVEAWAYS = ("demo", "example", "changeme", "sandbox", "secret", "test")


class SettingsError(Exception):
    """The environment cannot be used; the text lists every problem with its mend, one a line."""


class WechatApp(BaseModel):
    """One mini-program: `app_id` wx + 16 hex, `push_aes_key` 43 characters as the WeChat console shows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    app_id: str = Field(pattern=r"\Awx[0-9a-f]{16}\z")
    secret: SecretStr
    push_token: SecretStr
    push_aes_key: SecretStr
    original_id: str = Field(pattern=r"\Agh_[0-9a-f]{12}\z")

    @field_validator("push_aes_key")
    @classmethod
    def _aes_key(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[A-Za-z0-9]{43}", value.get_secret_value()):
            msg = "push_aes_key must be the 43 letters and digits shown as EncodingAESKey in the WeChat console"
            raise ValueError(msg)
        return value


def _listed(value: object) -> object:
    """`a,b` from the environment becomes a tuple; anything already structured passes."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _key(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        msg = "must be base64 of 32 random bytes: head -c 32 /dev/urandom | base64"
        raise ValueError(msg) from error
    if len(raw) != KEY_BYTES:
        msg = f"must be base64 of 32 random bytes, got {len(raw)}: head -c 32 /dev/urandom | base64"
        raise ValueError(msg)
    return raw


class Settings(BaseSettings):
    """Every setting, with its unit in its name. `docs/deploying.md` describes each; a test compares the two."""

    model_config = SettingsConfigDict(env_prefix="TB_", frozen=True, extra="ignore", hide_input_in_errors=True)

    env: Literal["development", "test", "production"] = "development"
    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    var_dir: Path = Path("var")

    database_url: SecretStr = Field(alias="DATABASE_URL")
    database_owner_url: SecretStr | None = Field(default=None, alias="DATABASE_OWNER_URL")
    database_auditor_url: SecretStr | None = Field(default=None, alias="DATABASE_AUDITOR_URL")
    database_pool: int = Field(default=20, ge=1, le=200)
    redis_url: SecretStr = Field(alias="REDIS_URL")
    broker_url: SecretStr | None = Field(default=None, alias="BROKER_URL")

    data_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(min_length=1)
    index_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(min_length=1)
    audit_key: SecretStr

    public_base_url: str = "http://127.0.0.1:8800"
    http_port: int = Field(default=8800, ge=1, le=65535)
    internal_port: int = Field(default=8801, ge=1, le=65535)
    sandbox_port: int = Field(default=8802, ge=1, le=65535)
    trusted_proxies: int = Field(default=0, ge=0, le=4)
    sandbox_base_url: str | None = None
    egress_exceptions: Annotated[tuple[str, ...], NoDecode] = ()

    wechat_base_url: str = platforms.WECHAT_BASE_URL
    wechat_apps: tuple[WechatApp, ...] = ()
    province_base_url: str = platforms.PROVINCE_BASE_URL
    province_paas_id: str = ""
    province_paas_token: SecretStr = SecretStr("")
    province_callback_key_id: str = ""
    province_callback_secret: SecretStr = SecretStr("")

    session_idle_s: int = Field(default=2 * 3600, ge=60)
    session_absolute_s: int = Field(default=24 * 3600, ge=60)

    _lists = field_validator("data_keys", "index_keys", "egress_exceptions", mode="before")(_listed)

    @field_validator("data_keys")
    @classmethod
    def _data_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for item in value:
            parts = item.get_secret_value().split(":", 2)
            if len(parts) != 3 or parts[1] not in SUITES:  # noqa: PLR2004  id, suite, key: the format in the message
                msg = f"each data key is id:suite:base64, suite one of {', '.join(SUITES)}"
                raise ValueError(msg)
            _key(parts[2])
        return value

    @field_validator("index_keys")
    @classmethod
    def _index_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for item in value:
            version, _, key = item.get_secret_value().partition(":")
            if not re.fullmatch(r"[0-9]{1,4}", version):
                msg = "each index key is version:base64, version a number"
                raise ValueError(msg)
            _key(key)
        return value

    @field_validator("audit_key")
    @classmethod
    def _audit_key(cls, value: SecretStr) -> SecretStr:
        _key(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _fit_for_production(self) -> Self:
        if self.env == "production":
            problems = [text for bad, text in self._production_rules() if bad]
            if problems:
                raise ValueError("\n".join(problems))
        return self

    def _production_rules(self) -> list[tuple[bool, str]]:
        secrets = [app.secret for app in self.wechat_apps] + [app.push_token for app in self.wechat_apps]
        secrets += [self.province_paas_token, self.province_callback_secret]
        keys = [
            item.get_secret_value().rpartition(":")[2] for item in (*self.data_keys, *self.index_keys, self.audit_key)
        ]
        return [
            (self.debug, "TB_DEBUG: must be off in production; unset it"),
            (self.log_level == "DEBUG", "TB_LOG_LEVEL: DEBUG is refused in production; use INFO"),
            (self.sandbox_base_url is not None, "TB_SANDBOX_BASE_URL: the sandbox never runs in production; unset it"),
            (bool(self.egress_exceptions), "TB_EGRESS_EXCEPTIONS: must be empty in production; unset it"),
            (
                self.trusted_proxies == 0,
                "TB_TRUSTED_PROXIES: a proxy stands in front in production; say how many add to X-Forwarded-For",
            ),
            (
                not self.public_base_url.startswith("https://"),
                "TB_PUBLIC_BASE_URL: callbacks need https in production; give the public https address",
            ),
            (
                not (self.wechat_base_url.startswith("https://") and self.province_base_url.startswith("https://")),
                "TB_WECHAT_BASE_URL, TB_PROVINCE_BASE_URL: platforms are called over https only in production",
            ),
            (
                any(word in s.get_secret_value().lower() for s in secrets for word in GIVEAWAYS)
                or any(not s.get_secret_value() for s in secrets),
                "TB_WECHAT_APPS, TB_PROVINCE_*: a secret is empty or a demonstration value; use the one issued",
            ),
            (
                any(len(set(_key(key))) < KEY_BYTES // 4 for key in keys),
                "TB_DATA_KEYS, TB_INDEX_KEYS, TB_AUDIT_KEY: a key is not random: head -c 32 /dev/urandom | base64",
            ),
            (
                len(set(keys)) != len(keys),
                "TB_DATA_KEYS, TB_INDEX_KEYS, TB_AUDIT_KEY: each key must be used for one thing only",
            ),
        ]

    @property
    def broker(self) -> str:
        """Celery's broker. A Redis broker has its own database number beside the state's."""
        if self.broker_url is not None:
            return self.broker_url.get_secret_value()
        return _broker_beside(self.redis_url.get_secret_value())

    def app_ids(self, channel: str) -> tuple[str, ...]:
        """Our mini-programs in a channel; a third channel is one more row here."""
        return {"wechat": tuple(app.app_id for app in self.wechat_apps)}[channel]

    def knows_app(self, channel: str, app_id: str) -> bool:
        """Whether this mini-program is one of ours."""
        return channel in platforms.CHANNELS and app_id in self.app_ids(channel)

    def wechat_app(self, app_id: str) -> WechatApp | None:
        return next((app for app in self.wechat_apps if app.app_id == app_id), None)


def _broker_beside(redis_url: str) -> str:
    if redis_url.startswith("unix://"):
        return f"redis+socket://{redis_url.removeprefix('unix://').partition('?')[0]}?virtual_host=1"
    plain = redis_url.rstrip("/")
    without_number = re.sub(r"/[0-9]+\Z", "", plain)
    return f"{without_number}/1"


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        name = ".".join(str(part) for part in item["loc"])
        shown = f"TB_{name.upper()}" if name and name == name.lower() else name
        text = item["msg"].removeprefix("Value error, ")
        mend = "set it; docs/deploying.md lists every setting" if item["type"] == "missing" else text
        lines.append(f"{shown}: {mend}" if shown else text)
    return lines


def load() -> Settings:
    """Read the environment once. Raises SettingsError naming every problem and its mend; values are never printed."""
    try:
        return Settings()  # type: ignore[call-arg]  # the fields come from the environment
    except ValidationError as error:
        raise SettingsError("\n".join(_lines(error))) from None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings. Tests clear the cache when they change the environment."""
    return load()
