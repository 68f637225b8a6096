"""C2, C6: replays at the real door are answered as the first was and applied once; a kill before the commit loses nothing."""

import time

import pytest

from app.core import inbound, kv
from tests.support import calling_back
from tests.support.citizen_fixtures import PROGRESS, run_events


@pytest.fixture
def client(citizen_app, town):
    return citizen_app.test_client()


def stored(rows):
    return rows("SELECT count(*) FROM inbound_events")[0][0]


@pytest.mark.parametrize("skew", [299, 1, -1, -299])
@pytest.mark.parametrize("sender", ["province", "wechat"])
def test_C2_within_the_window_both_ways(client, sender, skew):
    at = int(time.time()) + (skew if abs(skew) == 1 else skew - 20 if skew > 0 else skew + 20)
    call = calling_back.province("N", at_s=at) if sender == "province" else calling_back.popup("o", PROGRESS, at_s=at)
    assert call.send(client).status_code == 200


@pytest.mark.parametrize("skew", [301, -301, 86400, -86400])
@pytest.mark.parametrize("sender", ["province", "wechat"])
def test_C2_outside_the_window_both_ways(client, rows, sender, skew):
    at = int(time.time()) + (skew + 5 if skew > 0 else skew - 5)
    call = calling_back.province("N", at_s=at) if sender == "province" else calling_back.popup("o", PROGRESS, at_s=at)
    assert call.send(client).status_code == 403
    assert stored(rows) == 0


@pytest.mark.parametrize("make", [lambda: calling_back.province("N"), lambda: calling_back.popup("li", PROGRESS)])
def test_C2_a_replay_after_redis_was_emptied_is_answered_and_not_applied(client, mini, rows, make):
    mini("li")
    call = make()
    first = call.send(client)
    for key in kv.client().scan_iter("tb:*"):
        kv.client().delete(key)
    again = call.send(client)
    assert (again.status_code, again.data) == (first.status_code, first.data)
    run_events()
    assert stored(rows) == 1
    assert rows("SELECT count(*) FROM message_grants")[0][0] <= 1


def test_C2_a_nonce_with_another_body_is_refused(client, rows):
    now = int(time.time())
    assert calling_back.province("N1", nonce="n-same", at_s=now).send(client).status_code == 200
    assert calling_back.province("N2", nonce="n-same", at_s=now + 1).send(client).status_code == 403
    assert stored(rows) == 1


def test_C6_each_attempt_of_the_province_is_signed_anew_and_applied_once(client, rows):
    answers = [calling_back.province("N1", event_id="E-same").send(client) for _ in range(5)]
    assert {(answer.status_code, answer.data) for answer in answers} == {(200, b'{"code":0}')}
    assert stored(rows) == 1
    assert rows("SELECT count(*) FROM outbox_events WHERE type = 'callback.case_state'")[0][0] == 1


def test_C6_wechat_s_retry_is_applied_once(client, mini, rows):
    li = mini("li")
    for _ in range(4):
        assert calling_back.popup("li", PROGRESS, created_s=1750000000).send(client).data == b"success"
    run_events()
    assert [one["available"] for one in li.send("GET", "/v1/me/grants").json["items"]] == [1, 0]


def test_C6_killed_before_the_commit_nothing_is_acknowledged_and_the_retry_counts(client, rows, monkeypatch):
    call = calling_back.province("N1", event_id="E-once")
    with monkeypatch.context() as broken:
        broken.setattr(inbound.events, "emit", _dies)
        assert call.send(client).status_code == 500, "never an acknowledgement of what was not committed"
    assert stored(rows) == 0
    assert call.send(client).status_code == 200
    assert stored(rows) == 1


def _dies(*_args, **_more):
    raise ConnectionResetError
