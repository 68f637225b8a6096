"""M2: what cannot be shown is refused naming the field, links lead only to our own pages, and the wire holds to limits."""

import pytest

from config.messages import KINDS
from notifications import compose
from tests.support import staff
from tests.support.citizen_fixtures import ITEM, NOTICE, accept, filed, item, run_all, run_events
from tests.support.citizen_steps import LI, unique

UNSHOWN = {
    "bidi override": "a\u202eb", "bidi isolate": "a\u2066b", "zero width space": "a\u200bb", "joiner": "a\u200db",
    "byte order mark": "a\ufeffb", "newline": "a\nb", "return": "a\rb", "tab": "a\tb", "delete": "a\x7fb",
    "escape": "a\x1bb", "line separator": "a\u2028b", "private use": "a\ue000b", "tag character": "a\U000e0041b",
}  # fmt: skip


@pytest.mark.parametrize("text", UNSHOWN.values(), ids=UNSHOWN)
@pytest.mark.parametrize("field", ["title", "content"])
def test_M2_what_cannot_be_shown_is_refused_naming_the_field(citizen_app, mini, rows, field, text):
    values = {"title": "T", "content": "C"} | {field: text}
    answer = citizen_app.test_client().post(
        "/ops/v1/messages",
        json={"citizen_id": mini("li").citizen_id, "kind": "service_notice", "values": values},
        headers=staff.person("operator").headers | {"Idempotency-Key": unique("send")},
    )
    assert (answer.status_code, answer.json["errors"]) == (422, [{"field": f"values.{field}", "code": "text"}])
    assert rows("SELECT count(*) FROM approvals")[0][0] == 0


@pytest.mark.parametrize("value", ["x&redirect=https://evil.example", "../admin", "?a=1", "x#y", "签名", "", "a" * 65])
def test_M2_a_page_takes_only_an_id(value):
    page = compose.page_of(KINDS["case_progress"], {"case_id": value})
    assert page == "pages/case/detail?id={{case_id}}"


def test_M2_no_value_of_an_operator_becomes_a_page():
    assert all(kind.page is None for kind in KINDS.values() if kind.by_operator)


def test_M2_a_name_the_province_wrote_is_cleaned_before_it_is_shown(mini, town):
    item(ITEM, name="社会\u202e保障\u200b卡\n补领", version="9")
    run_events()
    li = mini("li", LI, 3)
    accept(li, times=3)
    accept(li, NOTICE)
    filed(li)
    run_all()
    assert {sent.values["thing1"] for sent in town.sent} == {"社会保障卡补领"}
