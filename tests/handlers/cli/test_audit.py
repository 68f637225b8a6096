"""flask audit: verify says yes or names the bad row; seal empties the work list."""

import json

import psycopg
import pytest

from app.core import db
from app.core.audit import anchors, record
from app.factory import create_app
from tests.support.servers import plain

pytestmark = pytest.mark.usefixtures("db_clean")


@pytest.fixture(scope="module")
def flask_app(servers):
    return create_app()


@pytest.fixture
def run(flask_app, monkeypatch, tmp_path):
    monkeypatch.setattr(anchors, "file", lambda: tmp_path / "audit" / "anchors.jsonl")
    return lambda *words: flask_app.test_cli_runner().invoke(args=("audit", *words), catch_exceptions=False)


def three_acts() -> None:
    for number in range(3):
        with db.transaction() as session:
            record(session, actor="cli:test", act="test.act", object_id=f"x_{number}", outcome="done")


def test_a_whole_chain_verifies(run):
    three_acts()
    sealed = run("seal")
    assert (sealed.exit_code, "3" in sealed.stdout) == (0, True)
    done = run("verify")
    assert done.exit_code == 0, done.output
    assert "ok         True" in done.stdout
    assert json.loads(run("verify", "--json").stdout)["rows"] == 3


def test_an_altered_row_fails_and_is_named(run, servers):
    three_acts()
    run("seal")
    with psycopg.connect(plain(servers.addresses.owner)) as owner:
        owner.execute("ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_is_final")
        owner.execute("UPDATE audit_entries SET outcome = 'other' WHERE object_id = 'x_1'")
        owner.execute("ALTER TABLE audit_entries ENABLE TRIGGER audit_entries_is_final")
    done = run("verify")
    assert done.exit_code == 1
    assert "bad at row 2 (entry_altered)" in done.stderr
    assert "Traceback" not in done.output
