"""M1: nothing in a value or a template is ever evaluated; what looks like code reads as it was written."""

import pytest

from app.core import approvals
from app.core.db import transaction
from notifications import compose, deliver
from tests.support import staff
from tests.support.citizen_fixtures import NOTICE, accept
from tests.support.citizen_steps import LI, unique

HOSTILE = (
    "{{7*7}}", "{0.__class__}", "%s%n", "${7*7}", "#{7*7}", "{{{{title}}}}", "{{title}}", "{{content}}", "{% if 1 %}",
    "{{ self.__init__ }}", "<%= 7*7 %>", "{{at}}", "\\u007b", "{title!r}", "{{config}}",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_M1_a_value_is_only_text(text):
    assert compose.fill("<{{title}}>", {"title": text, "content": "C", "at": "now"}) == f"<{text}>"


@pytest.mark.parametrize("text", [text for text in HOSTILE if text not in {"{{title}}", "{{{{title}}}}"}])
def test_M1_a_template_is_only_text_and_its_named_placeholders(text):
    assert compose.fill(text, {"title": "T"}) == text


def test_M1_hostile_values_reach_phone_and_inbox_literally(citizen_app, mini, town):
    li = mini("li", LI, 2)
    accept(li, NOTICE)
    operator, approver = staff.person("operator"), staff.person("approver").principal()
    for text in HOSTILE:
        asked = (
            citizen_app.test_client()
            .post(
                "/ops/v1/messages",
                json={
                    "citizen_id": li.citizen_id,
                    "kind": "service_notice",
                    "values": {"title": text, "content": text},
                },
                headers=operator.headers | {"Idempotency-Key": unique("send")},
            )
            .json
        )
        with transaction() as db:
            approvals.approve(db, asked["approval_id"], approver, asked["payload_hash"])
    while deliver.deliver_due():
        pass
    shown = li.send("GET", "/v1/me/inbox?limit=100").json["items"]
    assert {(entry["title"], entry["body"]) for entry in shown} == {(text, text) for text in HOSTILE}
    assert {sent.values["thing2"] for sent in town.sent} == set(HOSTILE)
