"""flask templates load: the table of templates from a file, whole or not at all."""

import json

import pytest
from sqlalchemy import select

from app.core import audit, db
from app.factory import create_app
from notifications.models import Template
from tests.support.surroundings import WECHAT_APP_ID

pytestmark = pytest.mark.usefixtures("db_clean")
ROW = {
    "kind": "service_notice", "channel": "wechat", "app_id": WECHAT_APP_ID, "template_id": "TPL_B", "title": "通知",
    "term": "one_time", "lang": "zh-CN", "fields": {"thing1": "{{title}}"},
}  # fmt: skip


@pytest.fixture(scope="module")
def flask_app(servers):
    return create_app()


def load(flask_app, tmp_path, document):
    (tmp_path / "templates.json").write_text(json.dumps(document), encoding="utf-8")
    args = ("templates", "load", str(tmp_path / "templates.json"))
    return flask_app.test_cli_runner().invoke(args=args, catch_exceptions=False)


def loaded() -> list[str]:
    with db.transaction() as session:
        return [row.platform_template_id for row in session.scalars(select(Template))]


def test_a_file_is_loaded_and_the_audit_says_by_whom(flask_app, tmp_path):
    done = load(flask_app, tmp_path, [ROW])
    assert (done.exit_code, "1" in done.stdout) == (0, True)
    assert loaded() == ["TPL_B"]
    with db.transaction() as session:
        assert session.scalars(select(audit.AuditEntry.actor)).one().startswith("cli:")


def test_one_bad_row_loads_nothing_and_is_named(flask_app, tmp_path):
    done = load(flask_app, tmp_path, [ROW, ROW | {"kind": "no_such_kind"}])
    assert (done.exit_code, "row 2" in done.stderr) == (1, True)
    assert "Traceback" not in done.output
    assert loaded() == []


def test_a_missing_file_is_said(flask_app):
    done = flask_app.test_cli_runner().invoke(args=("templates", "load", "/nowhere/templates.json"))
    assert (done.exit_code, "No such file" in done.stderr) == (2, True)
