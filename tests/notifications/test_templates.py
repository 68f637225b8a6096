"""Loading the template table: whole or not at all, and every fault named."""

import json

import pytest

from app.core.db import transaction
from notifications import templates
from tests.support.citizen_fixtures import PROGRESS, TEMPLATES
from tests.support.surroundings import WECHAT_APP_ID

ROW = {
    "kind": "service_notice", "channel": "wechat", "app_id": WECHAT_APP_ID, "template_id": "TPL_B", "title": "通知",
    "term": "one_time", "lang": "zh-CN", "fields": {"thing1": "{{title}}"},
}  # fmt: skip


def load(*rows):
    return templates.load(json.dumps(rows).encode(), actor="test")


def test_the_sandbox_s_file_maps_both_kinds_for_every_app(town):
    with transaction() as db:
        found = templates.of_app(db, "wechat", WECHAT_APP_ID)
    assert [(row.kind, row.term) for row in found] == [("case_progress", "one_time"), ("service_notice", "long_term")]


def test_loading_again_replaces_and_keeps_the_row(town, rows):
    before = rows("SELECT id FROM message_templates WHERE kind = 'service_notice'")
    load(ROW)
    assert rows("SELECT id FROM message_templates WHERE kind = 'service_notice'") == before
    assert rows("SELECT platform_template_id FROM message_templates WHERE kind = 'service_notice'") == [("TPL_B",)]


def test_loading_is_on_the_audit(town, rows):
    assert rows("SELECT actor, detail FROM audit_entries WHERE act = 'templates.load'") == [("test", {"rows": 2})]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "nobody"}, {"channel": "pigeon"}, {"term": "often"}, {"title": ""}, {"lang": 7}, {"fields": {}},
        {"fields": {"thing1": 1}}, {"fields": {"thing1": "{{id_number}}"}}, {"extra": "x"},
    ],
)  # fmt: skip
def test_a_faulty_row_is_named_and_nothing_is_loaded(town, rows, fault):
    with pytest.raises(templates.BadTemplate, match="row 2"):
        load(ROW, ROW | fault)
    assert rows("SELECT platform_template_id FROM message_templates WHERE platform_template_id = 'TPL_B'") == []


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b'[{"kind":"service_notice"}]', b"\xff"])
def test_what_is_no_template_file_is_refused(town, raw):
    with pytest.raises(templates.BadTemplate):
        templates.load(raw, actor="test")


def test_a_banned_template_is_not_found_for_sending(town, rows):
    rows("UPDATE message_templates SET banned_at = now() WHERE platform_template_id = :id", id=PROGRESS)
    with transaction() as db:
        assert templates.find(db, "case_progress", "wechat", WECHAT_APP_ID) is None


def test_the_file_stands_where_the_demo_finds_it():
    assert TEMPLATES.is_file()
