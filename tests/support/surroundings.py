"""The environment the suite's settings are read from: test keys made for this run, nothing inherited."""

import base64
import json
import os
import secrets
import socket
from collections.abc import MutableMapping

from tests.support.servers import Addresses

WECHAT_APP_ID = "wx0123456789abcdef"
WECHAT_ORIGINAL_ID = "gh_0123456789ab"
AES_KEY_LETTERS = 43  # EncodingAESKey's length in WeChat's console

SERVERS = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_AUDITOR_URL", "REDIS_URL")
# xdist's workers inherit the environment as its controller has already changed it, so the controller leaves them a
# note of what the person had set.
NOTE = "TONGBAN_TESTS_WERE_GIVEN"


def given_servers(environment: MutableMapping[str, str]) -> dict[str, str]:
    """The servers the person named, in the first process of a run as in its workers."""
    if NOTE not in environment:
        environment[NOTE] = json.dumps({name: environment[name] for name in SERVERS if environment.get(name)})
    given: dict[str, str] = json.loads(environment[NOTE])
    return given


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def free_port() -> int:
    """A loopback port nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings_for(addresses: Addresses) -> dict[str, str]:
    """Every variable config/settings.py reads, for one test process."""
    ports = {"HTTP": free_port(), "INTERNAL": free_port(), "SANDBOX": free_port()}
    sandbox = f"http://127.0.0.1:{ports['SANDBOX']}"
    app = {
        "app_id": WECHAT_APP_ID,
        "secret": secrets.token_hex(16),
        "push_token": secrets.token_hex(16),
        "push_aes_key": secrets.token_hex(AES_KEY_LETTERS)[:AES_KEY_LETTERS],
        "original_id": WECHAT_ORIGINAL_ID,
    }
    return {
        "TB_ENV": "test",
        "TB_VAR_DIR": addresses.var,  # anchors of one run are forgeries to the next: its keys are new
        "DATABASE_URL": addresses.database,
        "DATABASE_OWNER_URL": addresses.owner,
        "DATABASE_AUDITOR_URL": addresses.auditor,
        "REDIS_URL": addresses.redis,
        "BROKER_URL": addresses.broker,
        "TB_DATA_KEYS": f"d1:aes-256-gcm:{_key()}",
        "TB_INDEX_KEYS": f"1:{_key()}",
        "TB_AUDIT_KEY": _key(),
        "TB_EGRESS_EXCEPTIONS": f"127.0.0.1:{ports['SANDBOX']}",
        "TB_PUBLIC_BASE_URL": f"http://127.0.0.1:{ports['HTTP']}",
        "TB_SANDBOX_BASE_URL": sandbox,
        "TB_WECHAT_BASE_URL": f"{sandbox}/wechat",
        "TB_WECHAT_APPS": json.dumps([app]),
        "TB_PROVINCE_BASE_URL": f"{sandbox}/province",
        "TB_PROVINCE_PAAS_ID": "tongban-test",
        "TB_PROVINCE_PAAS_TOKEN": secrets.token_hex(16),
        "TB_PROVINCE_CALLBACK_KEY_ID": "cb-test",
        "TB_PROVINCE_CALLBACK_SECRET": secrets.token_hex(16),
        **{f"TB_{name}_PORT": str(port) for name, port in ports.items()},
    }


def install(environment: MutableMapping[str, str], addresses: Addresses) -> None:
    """Put the test settings in place of whatever the terminal had; a developer's own values never leak into a test."""
    for name in [name for name in environment if name.startswith("TB_")]:
        del environment[name]
    environment.update(settings_for(addresses))
