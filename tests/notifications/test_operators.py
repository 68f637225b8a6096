"""/ops/v1/messages: asked for by one person, approved by another, and then sent exactly as asked."""

import pytest

from app.core import approvals
from app.core.db import transaction
from notifications import deliver
from tests.support import staff
from tests.support.citizen_fixtures import NOTICE, accept, code_of
from tests.support.citizen_steps import LI, unique

VALUES = {"title": "社会保障卡可以领取", "content": "请带身份证到政务大厅社保窗口领取。"}


@pytest.fixture
def li(mini):
    phone = mini("li", LI, 2)
    accept(phone, NOTICE)
    return phone


@pytest.fixture
def operator(town):
    return staff.person("operator")


@pytest.fixture
def approver(town):
    return staff.person("approver")


def ask(app, person, phone, values=None, key=None, **changes):
    body = {"citizen_id": phone.citizen_id, "kind": "service_notice", "values": values or VALUES} | changes
    headers = person.headers | {"Idempotency-Key": key or unique("send")}
    return app.test_client().post("/ops/v1/messages", json=body, headers=headers)


def approve(person, asked):
    principal = person.principal()
    with transaction() as db:
        return approvals.approve(db, asked["approval_id"], principal, asked["payload_hash"])


def look(app, person, message_id):
    return app.test_client().get(f"/ops/v1/messages/{message_id}", headers=person.headers)


def test_nothing_is_sent_before_a_second_person_approves(citizen_app, li, town, operator, approver):
    asked = ask(citizen_app, operator, li)
    assert asked.status_code == 202
    assert set(asked.json) == {"message_id", "approval_id", "payload_hash", "expires_at"}
    assert not deliver.deliver_due()
    assert look(citizen_app, operator, asked.json["message_id"]).status_code == 404
    approve(approver, asked.json)
    assert deliver.deliver_due() == 1
    assert town.sent[0].values["thing1"] == VALUES["title"]
    shown = look(citizen_app, operator, asked.json["message_id"]).json
    assert (shown["state"], shown["sender"]) == ("reached", operator.staff_id)
    assert [attempt["state"] for attempt in shown["attempts"]] == ["accepted_by_channel"]


def test_what_is_shown_never_holds_its_words(citizen_app, li, operator, approver):
    asked = ask(citizen_app, operator, li).json
    approve(approver, asked)
    shown = look(citizen_app, approver, asked["message_id"])
    assert set(shown.json) == {
        "message_id", "citizen_id", "kind", "sender", "origin", "state", "created_at", "expires_at", "attempts"
    }  # fmt: skip
    assert VALUES["title"] not in shown.get_data(as_text=True)


def test_the_inbox_has_it_where_nothing_can_be_pushed(citizen_app, mini, town, operator, approver):
    wang = mini("wang", LI, 2)
    asked = ask(citizen_app, operator, wang).json
    approve(approver, asked)
    deliver.deliver_due()
    assert wang.send("GET", "/v1/me/inbox").json["items"][0]["title"] == VALUES["title"]
    shown = look(citizen_app, operator, asked["message_id"]).json
    assert (shown["state"], shown["attempts"][0]["reason"]) == ("inbox_only", "no_grant")


def test_approving_twice_sends_once(citizen_app, li, town, operator, approver):
    asked = ask(citizen_app, operator, li).json
    approve(approver, asked)
    with staff.refused("approval_closed"):
        approve(approver, asked)
    while deliver.deliver_due():
        pass
    assert len(town.sent) == 1


def test_the_same_key_asks_once(citizen_app, li, rows, operator):
    key = unique("send")
    first, again = ask(citizen_app, operator, li, key=key), ask(citizen_app, operator, li, key=key)
    assert first.json == again.json
    assert rows("SELECT count(*) FROM approvals")[0][0] == 1


def test_the_requester_cannot_approve_by_any_account(citizen_app, li, town):
    number = staff.id_number()
    operator, same_human = staff.person("operator", number=number), staff.person("approver", number=number)
    asked = ask(citizen_app, operator, li).json
    with staff.refused("approval_needs_another_person"):
        approve(same_human, asked)
    with staff.refused("forbidden"):
        approve(operator, asked)
    assert not deliver.deliver_due()


@pytest.mark.parametrize("role", ["approver", "auditor", "support", "administrator", "integrator"])
def test_only_an_operator_asks(citizen_app, li, rows, role):
    answer = ask(citizen_app, staff.person(role), li)
    assert answer.status_code == 403
    assert rows("SELECT count(*) FROM approvals")[0][0] == 0


def test_an_integrator_finds_no_message_of_the_province(citizen_app, li, operator, approver):
    asked = ask(citizen_app, operator, li).json
    approve(approver, asked)
    assert look(citizen_app, staff.person("integrator"), asked["message_id"]).status_code in {403, 404}


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"values": VALUES | {"title": "x" * 61}}, "values.title", "length"),
        ({"values": VALUES | {"content": "a\u202eb"}}, "values.content", "text"),
        ({"values": VALUES | {"content": "a\u200bb"}}, "values.content", "text"),
        ({"values": VALUES | {"at": "2026-01-01 00:00"}}, "values.at", "unknown"),
        ({"values": VALUES | {"id_number": "x"}}, "values.id_number", "unknown"),
        ({"values": {"title": "T"}}, "values.content", "required"),
        ({"values": VALUES | {"title": 7}}, "values.title.value", "type"),
        ({"kind": "case_progress"}, "kind", "choice"),
        ({"kind": "nobody"}, "kind", "choice"),
        ({"citizen_id": "cz_00000000000000000000000000"}, "citizen_id", "choice"),
        ({"citizen_id": "o-openid"}, "citizen_id", "format"),
        ({"approved_by": "me"}, "approved_by", "unknown"),
        ({"state": "approved"}, "state", "unknown"),
    ],
)
def test_wrong_input_names_its_field(citizen_app, li, rows, operator, changes, field, code):
    answer = ask(citizen_app, operator, li, **changes)
    assert (answer.status_code, answer.json["errors"]) == (422, [{"field": field, "code": code}])
    assert rows("SELECT count(*) FROM approvals")[0][0] == 0


def test_a_key_is_required(citizen_app, li, operator):
    body = {"citizen_id": li.citizen_id, "kind": "service_notice", "values": VALUES}
    answer = citizen_app.test_client().post("/ops/v1/messages", json=body, headers=operator.headers)
    assert (answer.status_code, code_of(answer)) == (400, "idempotency_key_required")


@pytest.mark.parametrize("message_id", ["mg_00000000000000000000000000", "nonsense"])
def test_an_absent_message_is_not_found(citizen_app, town, operator, message_id):
    assert look(citizen_app, operator, message_id).status_code == 404


def test_what_was_asked_for_rests_sealed(citizen_app, li, rows, operator):
    ask(citizen_app, operator, li)
    assert VALUES["title"] not in str(rows("SELECT a::text FROM approvals a"))
