"""The demo's settings: random secrets made once, kept in `var/demo/settings.env`, addresses written anew each start.

The web, the worker and the platforms' stand-ins read the same file, so both sides of every signature agree. Nothing
in it is meant for production, which refuses a sandbox and egress exceptions (config/settings.py).
"""

import base64
import json
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from app.stack.surroundings import VAR, Given

DEMO = VAR / "demo"
SETTINGS = DEMO / "settings.env"
WECHAT_APP_ID = "wx0123456789abcdef"
WECHAT_ORIGINAL_ID = "gh_0123456789ab"
AES_KEY_LETTERS = 43  # EncodingAESKey's length in WeChat's console


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def fresh_secrets() -> dict[str, str]:
    """What is made once and kept, since rows in the database are sealed with it."""
    app = {
        "app_id": WECHAT_APP_ID,
        "secret": secrets.token_hex(16),
        "push_token": secrets.token_hex(16),
        "push_aes_key": secrets.token_hex(AES_KEY_LETTERS)[:AES_KEY_LETTERS],
        "original_id": WECHAT_ORIGINAL_ID,
    }
    return {
        "TB_DATA_KEYS": f"d1:aes-256-gcm:{_key()}",
        "TB_INDEX_KEYS": f"1:{_key()}",
        "TB_AUDIT_KEY": _key(),
        "TB_WECHAT_APPS": json.dumps([app]),
        "TB_PROVINCE_PAAS_ID": "tongban-demo",
        "TB_PROVINCE_PAAS_TOKEN": secrets.token_hex(24),
        "TB_PROVINCE_CALLBACK_KEY_ID": "callback-demo",
        "TB_PROVINCE_CALLBACK_SECRET": secrets.token_hex(24),
    }


def addresses(given: Given, servers: Mapping[str, str]) -> dict[str, str]:
    """What follows from the ports and from where the servers listen."""
    sandbox = f"http://127.0.0.1:{given.sandbox_port}"
    return {
        "TB_ENV": "development",
        "TB_VAR_DIR": str(DEMO),
        "TB_HTTP_PORT": str(given.http_port),
        "TB_INTERNAL_PORT": str(given.internal_port),
        "TB_SANDBOX_PORT": str(given.sandbox_port),
        "TB_PUBLIC_BASE_URL": f"http://127.0.0.1:{given.http_port}",
        "TB_SANDBOX_BASE_URL": sandbox,
        "TB_WECHAT_BASE_URL": f"{sandbox}/wechat",
        "TB_PROVINCE_BASE_URL": f"{sandbox}/province",
        "TB_EGRESS_EXCEPTIONS": f"127.0.0.1:{given.sandbox_port}",
        **servers,
    }


def settings(given: Given, servers: Mapping[str, str], file: Path = SETTINGS) -> dict[str, str]:
    """The whole recipe: kept secrets, else fresh ones, with today's addresses; written to `file`, mode 0600."""
    values = fresh_secrets() | read(file) | addresses(given, servers)
    write(file, values)
    return values


def read(file: Path = SETTINGS) -> dict[str, str]:
    """The values in `file`, empty if there is none. Lines are NAME='value', so a shell can read it too."""
    if not file.is_file():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(shlex.split(line)[0].split("=", 1) for line in lines if line and not line.startswith("#"))


def write(file: Path, values: Mapping[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.chmod(0o600)
    lines = [f"{name}={shlex.quote(value)}" for name, value in sorted(values.items())]
    fresh.write_text("\n".join(["# Made by make demo. Secrets of this demo only.", *lines, ""]), encoding="utf-8")
    fresh.replace(file)
