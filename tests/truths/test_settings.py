"""Every setting is documented, and nothing secret prints."""

import json
import re

from pydantic import SecretStr

from config.settings import Settings, get_settings
from tests.support.source import ROOT

GUIDE = ROOT / "docs" / "deploying.md"
PREFIX = "TB_"
NAME = re.compile(r"`((?:TB_|DATABASE_|REDIS_|BROKER_)[A-Z_]+)`")


def variables() -> set[str]:
    return {field.alias or f"{PREFIX}{name.upper()}" for name, field in Settings.model_fields.items()}


def secrets_of(value: object) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, tuple | list):
        return [text for item in value for text in secrets_of(item)]
    if hasattr(value, "model_fields_set"):
        return [text for name in type(value).model_fields for text in secrets_of(getattr(value, name))]
    return []


def test_every_setting_stands_in_a_row_of_the_deploying_guide_and_no_other_does():
    rows = [line for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.lstrip().startswith("|")]
    documented = {name for row in rows for name in NAME.findall(row.split("|")[1])}
    assert sorted(variables() - documented) == []
    assert sorted(documented - variables()) == []


def test_no_secret_is_in_any_print_of_the_settings():
    settings = get_settings()
    secrets = secrets_of(settings)
    prints = (
        repr(settings), str(settings), f"{settings!s}{settings!r}", str(settings.model_dump()),
        settings.model_dump_json(), json.dumps(settings.model_dump(mode="json")), repr(settings.wechat_apps),
    )  # fmt: skip
    assert len(secrets) > 8
    assert [text for text in secrets if text and any(text in shown for shown in prints)] == []


def test_everything_that_sounds_secret_is_typed_secret():
    loud = re.compile(r"secret|token|password|_key\b|_keys\b|_url\b")
    plain = {"public_base_url", "sandbox_base_url", "wechat_base_url", "province_base_url"}
    sounding = [name for name in Settings.model_fields if loud.search(name) and name not in plain]
    assert len(sounding) > 8
    assert [name for name in sounding if "SecretStr" not in str(Settings.model_fields[name].annotation)] == []
