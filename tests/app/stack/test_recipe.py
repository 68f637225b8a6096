"""The demo's settings: made once, kept private, accepted by the application, refused in production."""

import json
import os
import stat

import pytest

from app.stack import recipe
from app.stack.surroundings import given
from config.settings import SettingsError, load

SERVERS = {
    "DATABASE_URL": "postgresql+psycopg://tb_app@/tongban?host=%2Frun",
    "REDIS_URL": "unix:///run/r.sock?db=0",
    "BROKER_URL": "redis+socket:///run/r.sock?virtual_host=1",
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "demo" / "settings.env"


@pytest.fixture
def loaded(file, monkeypatch):
    """What config/settings.py makes of the recipe."""
    values = recipe.settings(given({"SANDBOX_PORT": "9802"}), SERVERS, file)
    for name in [name for name in os.environ if name.startswith("TB_")]:
        monkeypatch.delenv(name)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def test_the_application_accepts_them(loaded):
    settings = load()
    assert settings.egress_exceptions == ("127.0.0.1:9802",)
    assert settings.wechat_base_url == "http://127.0.0.1:9802/wechat"
    assert settings.wechat_apps[0].app_id == recipe.WECHAT_APP_ID
    assert settings.broker == SERVERS["BROKER_URL"]


def test_production_refuses_them(loaded, monkeypatch):
    monkeypatch.setenv("TB_ENV", "production")
    with pytest.raises(SettingsError, match="TB_EGRESS_EXCEPTIONS"):
        load()


def test_secrets_are_kept_and_addresses_follow_the_ports(file):
    first = recipe.settings(given({}), SERVERS, file)
    second = recipe.settings(given({"SANDBOX_PORT": "9900"}), SERVERS, file)
    assert {name: second[name] for name in recipe.fresh_secrets()} == {
        name: first[name] for name in recipe.fresh_secrets()
    }
    assert second["TB_SANDBOX_BASE_URL"] == "http://127.0.0.1:9900"
    assert recipe.read(file) == second


def test_no_two_demos_share_a_secret_and_no_two_keys_are_one():
    one, other = recipe.fresh_secrets(), recipe.fresh_secrets()
    shared = {name for name in one if one[name] == other[name]}
    assert shared == {"TB_PROVINCE_PAAS_ID", "TB_PROVINCE_CALLBACK_KEY_ID"}
    keys = [one["TB_DATA_KEYS"].rpartition(":")[2], one["TB_INDEX_KEYS"].rpartition(":")[2], one["TB_AUDIT_KEY"]]
    assert len(set(keys)) == 3


def test_only_we_may_read_them(file):
    file.parent.mkdir()
    file.touch(mode=0o644)
    recipe.settings(given({}), SERVERS, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_any_value_survives_the_file_and_a_shell(file):
    values = {"A": 'it\'s "odd" $HOME =x', "B": json.dumps([{"c": "d"}]), "C": ""}
    recipe.write(file, values)
    assert recipe.read(file) == values


def test_no_file_is_no_settings(file):
    assert recipe.read(file) == {}
