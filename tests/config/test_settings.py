import base64
import json
import os

import pytest

from config.settings import SettingsError, load

APP = {
    "app_id": "wx0123456789abcdef",
    "secret": "9f1c55d0a7e84b63",
    "push_token": "b7c1e2f3a4",
    "push_aes_key": "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF",
    "original_id": "gh_0123456789ab",
}


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def production(monkeypatch):
    """A production environment that is accepted; a test spoils one thing."""
    values = {
        "TB_ENV": "production",
        "DATABASE_URL": "postgresql+psycopg://tb_app@db/tongban",
        "REDIS_URL": "redis://cache:6379/0",
        "TB_DATA_KEYS": f"d1:aes-256-gcm:{_key()}",
        "TB_INDEX_KEYS": f"1:{_key()}",
        "TB_AUDIT_KEY": _key(),
        "TB_TRUSTED_PROXIES": "1",
        "TB_PUBLIC_BASE_URL": "https://api.province.invalid",
        "TB_PROVINCE_BASE_URL": "https://gateway.province.invalid",
        "TB_PROVINCE_PAAS_TOKEN": "6b1d8f0e2c",
        "TB_PROVINCE_CALLBACK_SECRET": "77aa0b1c9d",
        "TB_WECHAT_APPS": json.dumps([APP]),
    }
    for name in [name for name in os.environ if name.startswith("TB_") or name == "BROKER_URL"]:
        monkeypatch.delenv(name)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_fit_production_environment_is_accepted(production):
    assert load().env == "production"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TB_DEBUG", "1", "TB_DEBUG"),
        ("TB_LOG_LEVEL", "DEBUG", "TB_LOG_LEVEL"),
        ("TB_SANDBOX_BASE_URL", "http://127.0.0.1:8802", "TB_SANDBOX_BASE_URL"),
        ("TB_EGRESS_EXCEPTIONS", "127.0.0.1:8802", "TB_EGRESS_EXCEPTIONS"),
        ("TB_TRUSTED_PROXIES", "0", "TB_TRUSTED_PROXIES"),
        ("TB_PUBLIC_BASE_URL", "http://api.province.invalid", "https"),
        ("TB_WECHAT_BASE_URL", "http://127.0.0.1:8802/wechat", "https"),
        ("TB_PROVINCE_BASE_URL", "", "https"),
        ("TB_PROVINCE_PAAS_TOKEN", "demo-paas-token-0001", "demonstration"),
        ("TB_PROVINCE_CALLBACK_SECRET", "", "empty"),
        ("TB_WECHAT_APPS", json.dumps([APP | {"secret": "sandbox-secret"}]), "demonstration"),
        ("TB_AUDIT_KEY", base64.b64encode(b"A" * 32).decode(), "not random"),
    ],
)
def test_S2_production_refuses_what_only_a_demo_may_have(production, name, value, says):
    production.setenv(name, value)
    with pytest.raises(SettingsError, match=says):
        load()


def test_one_key_serves_one_purpose(production):
    key = _key()
    production.setenv("TB_INDEX_KEYS", f"1:{key}")
    production.setenv("TB_AUDIT_KEY", key)
    with pytest.raises(SettingsError, match="one thing only"):
        load()


def test_every_problem_is_reported_at_once_with_its_mend(production):
    production.delenv("DATABASE_URL")
    production.setenv("TB_DATA_KEYS", "nonsense")
    production.setenv("TB_HTTP_PORT", "70000")
    with pytest.raises(SettingsError) as caught:
        load()
    lines = str(caught.value).splitlines()
    assert {line.partition(":")[0] for line in lines} == {"DATABASE_URL", "TB_DATA_KEYS", "TB_HTTP_PORT"}
    assert all(len(line.partition(":")[2]) > 10 for line in lines)


def test_secrets_print_as_stars_and_never_appear_in_an_error(production):
    shown = repr(load())
    for secret in (APP["secret"], APP["push_token"], "6b1d8f0e2c", "77aa0b1c9d"):
        assert secret not in shown
    production.setenv("TB_AUDIT_KEY", "canary-not-base64!")
    with pytest.raises(SettingsError) as caught:
        load()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("redis_url", "broker"),
    [
        ("redis://cache:6379/0", "redis://cache:6379/1"),
        ("redis://cache:6379", "redis://cache:6379/1"),
        ("unix:///run/tb/redis.sock?db=0", "redis+socket:///run/tb/redis.sock?virtual_host=1"),
    ],
)
def test_the_broker_has_its_own_database_number(production, redis_url, broker):
    production.setenv("REDIS_URL", redis_url)
    assert load().broker == broker
