"""Data and index keys made for a test, put where app.core.crypto reads its settings."""

import base64
from types import SimpleNamespace

from pydantic import SecretStr

from app.core import crypto

PLACE = {"table": "citizens", "column": "name", "row_id": "ct_1", "tenant": "province"}


def secret_key(fill: int) -> str:
    return base64.b64encode(bytes((fill + i) % 256 for i in range(32))).decode()


DEFAULT_INDEX = ("1:" + secret_key(200),)


def use_keys(monkeypatch, data, index=DEFAULT_INDEX):
    settings = SimpleNamespace(
        data_keys=tuple(SecretStr(key) for key in data), index_keys=tuple(SecretStr(key) for key in index)
    )
    monkeypatch.setattr(crypto, "get_settings", lambda: settings)
