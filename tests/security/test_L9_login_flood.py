"""L9: a flood of logins is stopped before it reaches the channel, and told when to come back."""

import math

import redis

from app.core import clock, kv
from config.limits import LIMITS
from tests.support.citizen_steps import unique


def test_ten_times_the_limit_reaches_the_channel_at_most_limit_times(phone, world):
    rule = LIMITS["login_address"]
    caller = phone(log_in=False, address="10.9.9.9")
    started = clock.monotonic()
    answers = [caller.log_in(unique("openid-a.code")) for _ in range(10 * rule.capacity)]
    refilled = math.ceil((clock.monotonic() - started) * rule.per_s)
    assert world.calls["exchange"] <= rule.capacity + refilled
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 9 * rule.capacity - refilled
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert {answer.json["code"] for answer in refused} == {"too_many_requests"}


def test_another_address_is_not_shut_out(phone):
    caller = phone(log_in=False, address="10.9.9.9")
    for _ in range(LIMITS["login_address"].capacity + 5):
        caller.log_in("nonsense")
    assert phone("openid-b", log_in=False, address="10.9.9.8").log_in().status_code == 201


def test_a_refused_login_burns_no_code(phone):
    caller = phone(log_in=False, address="10.9.9.9")
    while caller.log_in("nonsense").status_code != 429:
        pass
    code = unique("openid-a.code")
    assert caller.log_in(code).status_code == 429
    assert phone("openid-a", log_in=False, address="10.9.9.8").log_in(code).status_code == 201


def test_login_is_closed_while_nobody_can_count(phone, world, monkeypatch):
    away = redis.Redis(connection_pool=redis.BlockingConnectionPool.from_url("unix:///nowhere.sock", timeout=1))
    monkeypatch.setattr(kv, "client", lambda: away)
    answer = phone(log_in=False).log_in()
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert world.calls["exchange"] == 0
