"""D1, D3, D5 for staff: token, authenticator secret, name and id number are in no table, no key, no log and no audit row."""

import json
import logging

import psycopg
import pytest
from psycopg import sql

from app.core import approvals, kv
from app.core.db import transaction
from app.factory import create_app
from tests.support.servers import plain
from tests.support.staff import id_number, organisation, person, secret_of

pytestmark = pytest.mark.usefixtures("db_clean")
NAME = "诸葛金丝雀"
REASON = "金丝雀写在驳回理由里"


def every_row(servers) -> str:
    every = sql.SQL("SELECT to_jsonb(t)::text FROM {} t")
    with psycopg.connect(plain(servers.addresses.owner)) as owner:
        tables = [row[0] for row in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return "\n".join(
            str(row) for table in tables for row in owner.execute(every.format(sql.Identifier(table))).fetchall()
        )


def every_key() -> str:
    client, found = kv.client(), []
    for key in client.scan_iter("tb:*"):
        value = client.get(key) if client.type(key) == b"string" else client.type(key)
        found.append(f"{key!r}{value!r}")
    return "\n".join(found)


@pytest.fixture
def canaries(servers, capfd, caplog):
    """A working life at DEBUG; answers what must be nowhere, and what was printed meanwhile."""
    flask_app, number = create_app(), id_number()
    approvals.register_act("test.canary", lambda *_: None, request_roles={"operator"}, approve_roles={"approver"})
    organisation()
    with caplog.at_level(logging.DEBUG):
        args = ("staff", "add", "--organisation", "data-bureau", "--role", "approver", "--name", NAME)
        shown = json.loads(
            flask_app.test_cli_runner().invoke(args=(*args, "--id-number-file", "-", "--json"), input=number).stdout
        )
        operator = person("operator").principal()
        with transaction() as db:
            asked = approvals.request(db, "test.canary", {"to": NAME}, operator)
        client, headers = flask_app.test_client(), {"Authorization": f"Bearer {shown['token']}"}
        path = f"/ops/v1/approvals/{asked.id}"
        client.get("/ops/v1/me", headers=headers)
        client.get(path, headers=headers)
        client.post(f"{path}/approve", json={"payload_hash": "0" * 64}, headers=headers | {"X-TOTP": "000000"})
        client.get("/ops/v1/me", query_string={"token": shown["token"]})
        client.post(f"{path}/refuse", json={"reason": REASON}, headers=headers)
    printed = capfd.readouterr()
    secrets = (shown["token"], shown["token"][4:], secret_of(shown["totp_uri"]), number, NAME, REASON)
    return secrets, printed.out + printed.err + caplog.text


def test_no_secret_rests_or_is_printed(canaries, servers):
    secrets, printed = canaries
    rows, keys = every_row(servers), every_key()
    assert "approval.refuse" in rows  # the dump sees what it should
    for place, text in (("tables", rows), ("redis", keys), ("log", printed)):
        assert [secret for secret in secrets if secret in text] == [], place
        escaped = [secret for secret in secrets if json.dumps(secret).strip('"') in text]
        assert escaped == [], place
