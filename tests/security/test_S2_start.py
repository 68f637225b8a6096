"""S2: the server refuses to start with a bad setting, says why in a sentence, and believes no neighbour's headers."""

import base64
import json
import os
import subprocess
import sys

import pytest

from tests.support.served import ROOT, serving

KEY, INDEX, AUDIT = (base64.b64encode(os.urandom(32)).decode() for _ in range(3))
CANARY = "c4n4ry-31c7d0e2"
APP = {
    "app_id": "wx0123456789abcdef", "secret": CANARY + "a", "push_token": CANARY + "b", "push_aes_key": "Zm9vYmFyYmF6cXV4" * 2 + "Zm9vYmFyYmF",
    "original_id": "gh_0123456789ab",
}  # fmt: skip
FIT = {
    "TB_ENV": "production", "DATABASE_URL": "postgresql+psycopg://tb_app@db/tongban", "REDIS_URL": "redis://cache:6379/0",
    "TB_DATA_KEYS": f"d1:aes-256-gcm:{KEY}", "TB_TRUSTED_PROXIES": "1", "TB_PROVINCE_CALLBACK_SECRET": CANARY,
    "TB_PUBLIC_BASE_URL": "https://api.province.invalid", "TB_PROVINCE_BASE_URL": "https://gateway.province.invalid",
    "TB_INDEX_KEYS": f"1:{INDEX}", "TB_AUDIT_KEY": AUDIT, "TB_PROVINCE_PAAS_TOKEN": CANARY + "c", "TB_WECHAT_APPS": json.dumps([APP]),
    "PATH": os.environ["PATH"],
}  # fmt: skip
BAD = {
    "debug": {"TB_DEBUG": "1"},
    "a default secret": {"TB_PROVINCE_PAAS_TOKEN": "demo-paas-token-0001"},
    "plain HTTP callbacks": {"TB_PUBLIC_BASE_URL": "http://api.province.invalid"},
    "missing keys": {"TB_DATA_KEYS": ""},
    "an egress exception": {"TB_EGRESS_EXCEPTIONS": "127.0.0.1:9"},
    "the sandbox": {"TB_SANDBOX_BASE_URL": "http://127.0.0.1:9"},
    "no word on proxies": {"TB_TRUSTED_PROXIES": "0"},
    "a typing error": {"TB_HTTP_PORT": "eighty"},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_S2_the_server_does_not_start(bad, tmp_path):
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "config" / "gunicorn.py"), "wsgi:app"]
    environment = FIT | {"TB_VAR_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)} | bad
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    said = ended.stdout + ended.stderr
    assert next(iter(bad)).removesuffix("PAAS_TOKEN") in said
    assert CANARY not in said
    assert KEY not in said


def test_S2_without_the_bad_setting_it_is_accepted(tmp_path):
    """Or every refusal above might be about something else."""
    command = [sys.executable, "-c", "from config.settings import load; load()"]
    environment = FIT | {"TB_VAR_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, cwd=ROOT, env=environment, timeout=60, check=False).returncode == 0


NEIGHBOURLY = (
    b"SCRIPT_NAME: /zzz", b"SCRIPT_NAME: /heal", b"PATH_INFO: /nowhere", b"X-Forwarded-Proto: https",
    b"X-Forwarded-Proto: https\r\nX-Forwarded-Protocol: http", b"X-Forwarded-Ssl: on", b"REMOTE_USER: root",
    b"X-Forwarded-Prefix: /zzz", b"X-Forwarded-Host: evil.example", b"X-Original-URL: /metrics", b"X-Rewrite-URL: /metrics",
)  # fmt: skip


def test_S2_no_header_of_a_neighbour_moves_a_request(db_clean, tmp_path, monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    with serving(tmp_path) as served:
        for line in NEIGHBOURLY:
            answer = served.say(b"GET /healthz HTTP/1.1\r\nHost: tb\r\nConnection: close\r\n" + line + b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), (line, answer[:200])
            assert b'"status":"ok"' in answer.replace(b" ", b""), line
