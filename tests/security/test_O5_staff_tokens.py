"""O5 for personal tokens: shown once, hashed, two at a time, a year at most, dead at their deadline on every worker."""

from datetime import timedelta

import pytest
import time_machine

from app.core import clock, db
from app.factory import create_app
from identity import staff, staff_tokens
from identity.staff_models import StaffToken
from tests.support.staff import person

pytestmark = pytest.mark.usefixtures("db_clean")


@pytest.fixture(scope="module")
def workers(servers):
    """Two apps share nothing but the stores, as two web workers do."""
    return create_app(), create_app()


def statuses(workers, token: str) -> list[int]:
    headers = {"Authorization": f"Bearer {token}"}
    return [app.test_client().get("/ops/v1/me", headers=headers).status_code for app in workers]


def test_rolling_over_without_a_gap(workers):
    who = person("operator")
    fresh = staff.issue_token(who.staff_id, actor="test")
    assert statuses(workers, who.token) == statuses(workers, fresh.text) == [200, 200]
    staff_tokens.revoke(who.token_id, actor="test")
    assert statuses(workers, who.token) == [401, 401]
    assert statuses(workers, fresh.text) == [200, 200]


def test_dead_at_the_deadline_on_every_worker(workers):
    who = person("operator")
    with db.transaction() as session:
        ends = session.get_one(StaffToken, who.token_id).expires_at
    with time_machine.travel(ends - timedelta(seconds=2)):
        assert statuses(workers, who.token) == [200, 200]
    with time_machine.travel(ends + timedelta(seconds=1)):
        assert statuses(workers, who.token) == [401, 401]


@pytest.mark.parametrize("kind", ["none", "malformed", "unknown", "revoked", "expired", "suspended"])
def test_every_dead_token_gets_the_same_answer(workers, kind):
    who = person("operator")
    token = {"none": "", "malformed": "tbp_x", "unknown": f"tbp_{'A' * 43}"}.get(kind, who.token)
    if kind == "revoked":
        staff_tokens.revoke(who.token_id, actor="test")
    if kind == "suspended":
        staff.suspend(who.staff_id, actor="test")
    with time_machine.travel(clock.now() + timedelta(days=400 if kind == "expired" else 0)):
        answer = workers[0].test_client().get("/ops/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert {name: value for name, value in answer.json.items() if name != "request_id"} == {
        "type": "about:blank", "title": "Unauthorized", "status": 401, "code": "staff_unauthenticated",
        "detail": "令牌无效或已失效，请换用有效的个人令牌。",
    }  # fmt: skip
