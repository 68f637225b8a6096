"""O2, the two-person rule over HTTP: every way round it that we know of, and random walks for those we do not."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from app.core import approvals, audit, clock, db
from app.core.audit import anchors
from app.factory import create_app
from identity import staff
from tests.support.staff import Person, id_number, organisation, person

pytestmark = pytest.mark.usefixtures("db_clean")
ACT = "test.broadcast"
PAYLOAD = {"text": "停水通知", "audience": "au_1"}
done: list[approvals.Approval] = []
tenants: list[str] = []


def execute(session, approval: approvals.Approval) -> None:
    done.append(approval)
    tenants.append(db.tenant_of(session))


@pytest.fixture(scope="module")
def flask_app(servers):
    approvals.register_act(ACT, execute, request_roles={"operator", "integrator"}, approve_roles={"approver"})
    return create_app()


@pytest.fixture(autouse=True)
def nothing_done():
    done.clear()
    tenants.clear()


@dataclass
class Desk:
    """One request of an operator and an approver who did not write it."""

    flask_app: object
    operator: Person
    approver: Person
    asked: approvals.Approval = field(init=False)

    def __post_init__(self) -> None:
        self.asked = self.ask(self.operator)

    def ask(self, who: Person, payload=None, **more) -> approvals.Approval:
        principal = who.principal()
        with db.transaction(principal.tenant_id) as session:
            return approvals.request(session, ACT, payload or PAYLOAD, principal, **more)

    def call(self, who: Person, verb: str, body: dict, headers=None, asked=None):
        path = f"/ops/v1/approvals/{(asked or self.asked).id}/{verb}"
        sent = who.with_code() if headers is None else headers
        return self.flask_app.test_client().post(path, json=body, headers=sent)

    def approve(self, who: Person, headers=None, payload_hash=None, asked=None):
        body = {"payload_hash": payload_hash or (asked or self.asked).payload_hash}
        return self.call(who, "approve", body, headers, asked)

    def state(self) -> str:
        with db.transaction(db.ALL_TENANTS) as session:
            return session.get_one(approvals.ApprovalRow, self.asked.id).state


@pytest.fixture
def desk(flask_app) -> Desk:
    return Desk(flask_app, person("operator"), person("approver"))


def audited(act: str) -> list[tuple[str, str, str]]:
    with db.transaction(db.ALL_TENANTS) as session:
        rows = session.scalars(
            select(audit.AuditEntry).where(audit.AuditEntry.act == act).order_by(audit.AuditEntry.id)
        )
        return [(row.actor, row.outcome, str(row.detail.get("reason", ""))) for row in rows]


def refused(answer, status: int, code: str, desk: Desk) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert done == []
    assert desk.state() == "requested"


def test_another_human_who_read_it_approves_and_it_is_done(desk):
    seen = desk.flask_app.test_client().get(f"/ops/v1/approvals/{desk.asked.id}", headers=desk.approver.headers).json
    assert (seen["payload"], seen["state"]) == (PAYLOAD, "requested")
    answer = desk.approve(desk.approver, payload_hash=seen["payload_hash"])
    assert (answer.status_code, answer.json["state"], answer.json["approved_by"]) == (
        200,
        "executed",
        desk.approver.staff_id,
    )
    assert [dict(one.payload) for one in done] == [PAYLOAD]
    assert audited("approval.request") == [(desk.operator.staff_id, "requested", "")]
    assert audited("approval.approve") == [(desk.approver.staff_id, "executed", "")]


def test_ones_own_act_with_ones_own_account(desk):
    refused(desk.approve(desk.operator), 403, "scope_missing", desk)


def test_ones_own_act_with_another_account_of_the_same_human(flask_app):
    number = id_number()
    desk = Desk(flask_app, person("operator", number=number), person("approver", number=number))
    assert desk.operator.human_id == desk.approver.human_id
    refused(desk.approve(desk.approver), 403, "approval_needs_another_person", desk)
    assert audited("approval.approve") == [(desk.approver.staff_id, "refused", "approval_needs_another_person")]


def test_ones_own_act_asked_for_as_an_integrator(flask_app):
    number = id_number()
    desk = Desk(flask_app, person("integrator", number=number), person("approver", number=number))
    refused(desk.approve(desk.approver), 403, "approval_needs_another_person", desk)


def test_who_wrote_it_with_the_requester_may_not_approve_it(desk):
    desk.asked = desk.ask(desk.operator, excluded=[desk.approver.human_id])
    refused(desk.approve(desk.approver), 403, "approval_needs_another_person", desk)


@pytest.mark.parametrize("spoil", [lambda _: "0" * 64, lambda h: h[:-1] + ("0" if h[-1] != "0" else "1")])
def test_anything_but_the_hash_of_what_is_there(desk, spoil):
    refused(desk.approve(desk.approver, payload_hash=spoil(desk.asked.payload_hash)), 409, "approval_changed", desk)


def test_the_hash_of_another_request_of_the_same_content(desk):
    twin = desk.ask(desk.operator)
    assert twin.payload_hash != desk.asked.payload_hash
    refused(desk.approve(desk.approver, payload_hash=twin.payload_hash), 409, "approval_changed", desk)


@pytest.mark.parametrize(
    "body",
    [{}, {"payload_hash": None}, {"payload_hash": "A" * 64}, {"payload_hash": "x"}, {"payload_hash": ["0" * 64]}],
)
def test_no_hash_at_all(desk, body):
    refused(desk.call(desk.approver, "approve", body), 422, "invalid_fields", desk)


@pytest.mark.parametrize("extra", ["payload", "approved_by", "state", "human_id", "act", "requested_by"])
def test_nothing_else_may_be_sent_along(desk, extra):
    body = {"payload_hash": desk.asked.payload_hash, extra: "x"}
    refused(desk.call(desk.approver, "approve", body), 422, "invalid_fields", desk)


def test_a_day_later(desk, monkeypatch, tmp_path):
    monkeypatch.setattr(anchors, "file", lambda: tmp_path / "anchors.jsonl")
    audit.seal_pending()
    audit.anchor(force=True)  # or the audit's own four-hour rule refuses first
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=5), tick=True):
        answer = desk.approve(desk.approver)
        shown = desk.flask_app.test_client().get("/ops/v1/approvals", headers=desk.approver.headers).json["items"]
    refused(answer, 409, "approval_expired", desk)
    assert [one["state"] for one in shown] == ["expired"]


def test_a_second_time(desk):
    assert desk.approve(desk.approver).status_code == 200
    again = desk.approve(desk.approver)
    other = desk.approve(person("approver"))
    assert {(one.status_code, one.json["code"]) for one in (again, other)} == {(409, "approval_closed")}
    assert len(done) == 1


def test_after_it_was_refused(desk):
    answer = desk.call(desk.approver, "refuse", {"reason": "时间写错了"}, desk.approver.headers)
    assert (answer.status_code, answer.json["state"], answer.json["refused_reason"]) == (200, "refused", "时间写错了")
    assert desk.approve(desk.approver).json["code"] == "approval_closed"
    assert done == []
    assert audited("approval.refuse") == [(desk.approver.staff_id, "refused", "")]


def test_a_refusals_reason_rests_sealed(desk):
    desk.call(desk.approver, "refuse", {"reason": "张三已电话确认"}, desk.approver.headers)
    with db.transaction() as session:
        assert session.get_one(approvals.ApprovalRow, desk.asked.id).refused_reason.startswith("v1|")


def test_refusing_after_it_was_done(desk):
    desk.approve(desk.approver)
    assert desk.call(desk.approver, "refuse", {"reason": "late"}).json["code"] == "approval_closed"


@pytest.mark.parametrize("role", ["operator", "auditor", "support", "administrator", "integrator"])
def test_the_wrong_role(desk, role):
    refused(desk.approve(person(role)), 403, "scope_missing", desk)


def test_an_approver_of_other_acts(desk, monkeypatch):
    theirs = approvals.Act(ACT, execute, frozenset({"operator"}), frozenset({"administrator"}))
    monkeypatch.setitem(approvals._acts, ACT, theirs)
    refused(desk.approve(desk.approver), 403, "forbidden", desk)


@pytest.mark.parametrize("code", [None, "", "12345", "abcdef", "１２３４５６"])
def test_no_code(desk, code):
    headers = desk.approver.headers | ({"X-TOTP": code.encode().decode("latin-1")} if code is not None else {})
    refused(desk.approve(desk.approver, headers), 403, "step_up_required", desk)


def test_a_wrong_code_and_it_is_audited(desk):
    wrong = f"{(int(desk.approver.code()) + 1) % 1_000_000:06d}"
    refused(desk.approve(desk.approver, desk.approver.with_code(wrong)), 403, "step_up_required", desk)
    assert audited("staff.step_up") == [(desk.approver.staff_id, "refused", "wrong")]


def test_somebody_elses_code(desk):
    refused(desk.approve(desk.approver, desk.approver.with_code(desk.operator.code())), 403, "step_up_required", desk)


def test_a_used_code(desk):
    used = desk.approver.fresh_code()
    assert desk.approve(desk.approver, desk.approver.with_code(used)).status_code == 200
    done.clear()
    desk.asked = desk.ask(desk.operator)
    refused(desk.approve(desk.approver, desk.approver.with_code(used)), 403, "step_up_required", desk)


def test_refused_codes_look_alike(desk):
    answers = [
        desk.approve(desk.approver, desk.approver.headers | extra).json
        for extra in ({}, {"X-TOTP": "12"}, {"X-TOTP": desk.operator.code()})
    ]
    bodies = [{name: value for name, value in answer.items() if name != "request_id"} for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]


def test_after_five_wrong_codes_the_right_one_waits(desk):
    wrong = f"{(int(desk.approver.code()) + 1) % 1_000_000:06d}"
    for _ in range(5):
        desk.approve(desk.approver, desk.approver.headers | {"X-TOTP": wrong})
    answer = desk.approve(desk.approver, desk.approver.headers | {"X-TOTP": desk.approver.code()})
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    refused(answer, 429, "too_many_requests", desk)


def test_a_suspended_approver(desk):
    staff.suspend(desk.approver.staff_id, actor="test")
    refused(desk.approve(desk.approver), 401, "staff_unauthenticated", desk)


def test_a_suspended_requester(desk):
    staff.suspend(desk.operator.staff_id, actor="test")
    refused(desk.approve(desk.approver), 409, "requester_suspended", desk)
    staff.resume(desk.operator.staff_id, actor="test")
    assert desk.approve(desk.approver).status_code == 200


def test_two_approvers_and_one_twice_at_the_same_moment(desk):
    approvers = [desk.approver, person("approver"), person("approver")]
    headers = [who.with_code() for who in approvers]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: desk.approve(approvers[n % 3], headers[n % 3]), range(12)))
    assert [answer.status_code for answer in answers].count(200) == 1
    assert len(done) == 1
    assert {answer.json["code"] for answer in answers if answer.status_code != 200} <= {
        "approval_closed",
        "step_up_required",
    }


def test_an_executor_that_fails_undoes_the_approval(desk, monkeypatch):
    def broken(_session, _approval):
        raise RuntimeError

    act = approvals.Act(ACT, broken, frozenset({"operator"}), frozenset({"approver"}))
    with monkeypatch.context() as during:
        during.setitem(approvals._acts, ACT, act)
        assert desk.approve(desk.approver).status_code == 500
    assert desk.state() == "requested"
    assert desk.approve(desk.approver).status_code == 200
    assert len(done) == 1


def test_what_an_integrator_asks_for_is_done_in_its_own_tenant(flask_app):
    desk = Desk(flask_app, person("integrator"), person("approver"))
    assert desk.approve(desk.approver).status_code == 200
    assert tenants == [desk.operator.organisation_id]


def test_an_integrator_sees_its_own_requests_and_no_others(flask_app):
    ours = Desk(flask_app, person("integrator"), person("approver"))
    others = Desk(flask_app, person("integrator", place=organisation("globex", "integrator")), ours.approver)
    province = Desk(flask_app, person("operator"), ours.approver)
    client = flask_app.test_client()
    mine = client.get("/ops/v1/approvals", headers=ours.operator.headers).json
    assert [one["approval_id"] for one in mine["items"]] == [ours.asked.id]
    absent = client.get("/ops/v1/approvals/ap_00000000000000000000000000", headers=ours.operator.headers)
    for foreign in (others, province):
        answer = client.get(f"/ops/v1/approvals/{foreign.asked.id}", headers=ours.operator.headers)
        assert answer.status_code == absent.status_code == 404
        assert {k: v for k, v in answer.json.items() if k != "request_id"} == {
            k: v for k, v in absent.json.items() if k != "request_id"
        }
    everything = client.get("/ops/v1/approvals", headers=ours.approver.headers).json["items"]
    assert {one["approval_id"] for one in everything} == {ours.asked.id, others.asked.id, province.asked.id}


def test_the_list_pages_and_holds_no_content(desk):
    for _ in range(4):
        desk.ask(desk.operator)
    client, seen, cursor = desk.flask_app.test_client(), [], None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = client.get("/ops/v1/approvals", query_string=query, headers=desk.approver.headers).json
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len({one["approval_id"] for one in seen}) == 5
    assert "停水" not in str(seen)
    assert "payload" not in seen[0]
    waiting = client.get("/ops/v1/approvals?state=executed", headers=desk.approver.headers).json
    assert waiting == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=",
        "cursor=%00",
        "%00=1",
        "cursor=AA",
        "cursor=****",
        "state=gone",
        "what=1",
        "state=executed&state=refused",
    ],
)
def test_a_bad_query_is_a_refusal(desk, query):
    answer = desk.flask_app.test_client().get(f"/ops/v1/approvals?{query}", headers=desk.approver.headers)
    assert answer.status_code in (400, 422), answer.json


@pytest.mark.parametrize("wild", ["%00", "..", "ap_%27--", "x" * 3000, "%F0%9F%92%A9"])
def test_a_wild_id_is_absent(desk, wild):
    client = desk.flask_app.test_client()
    assert client.get(f"/ops/v1/approvals/{wild}", headers=desk.approver.headers).status_code in (400, 404)


def test_who_am_i(desk):
    answer = desk.flask_app.test_client().get("/ops/v1/me", headers=desk.operator.headers)
    assert answer.json == {
        "staff_id": desk.operator.staff_id, "human_id": desk.operator.human_id, "name": "测试员",
        "organisation_id": desk.operator.organisation_id, "organisation": "data-bureau", "roles": ["operator"],
        "scopes": ["approvals:read", "messages:read", "messages:write"],
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_whatever_people_do_every_executed_act_has_two_humans_and_its_hash(flask_app, seed):
    dice = random.Random(seed)  # noqa: S311  a walk that can be walked again
    shared = [id_number(), id_number()]
    cast = [
        person("operator", number=shared[0]), person("operator"), person("approver", number=shared[0]),
        person("approver", number=shared[1]), person("integrator", number=shared[1]), person("auditor"),
    ]  # fmt: skip
    desk = Desk(flask_app, cast[0], cast[2])
    asked, suspended = [desk.asked], set()
    for _ in range(30):
        who, target = dice.choice(cast), dice.choice(asked)
        match dice.randrange(6):
            case 0 if {"operator", "integrator"} & _roles(who) and who.staff_id not in suspended:
                excluded = dice.choice([[], [cast[3].human_id]])
                asked.append(desk.ask(who, {"n": len(asked)}, excluded=excluded))
            case 1:
                hash_ = dice.choice([target.payload_hash, dice.choice(asked).payload_hash])
                desk.approve(who, payload_hash=hash_, asked=target)
            case 2:
                desk.approve(who, headers=who.headers | {"X-TOTP": "000000"}, asked=target)
            case 3 if who.staff_id not in suspended:
                staff.suspend(who.staff_id, actor="test")
                suspended.add(who.staff_id)
            case 4 if who.staff_id in suspended:
                staff.resume(who.staff_id, actor="test")
                suspended.discard(who.staff_id)
            case _:
                desk.approve(who, asked=target)
    with db.transaction(db.ALL_TENANTS) as session:
        rows = session.scalars(select(approvals.ApprovalRow)).all()
    executed = {row.id: row for row in rows if row.state == "executed"}
    assert sorted(executed) == sorted(one.id for one in done)
    for row in executed.values():
        assert row.approved_human not in {row.requested_human, *row.excluded_humans}
    for one in done:
        original = next(request for request in asked if request.id == one.id)
        assert (one.payload, one.payload_hash) == (original.payload, original.payload_hash)


def _roles(who: Person) -> set[str]:
    """By the token's owner, also while it is suspended."""
    return {row.role for row in staff.overview() if row.staff_id == who.staff_id}
