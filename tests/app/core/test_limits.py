"""The limiter on a real Redis, and without one."""

import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.core import kv, limits
from app.core.errors import Problem
from config.limits import LIMITS, Limit
from tests.support.source import modules, strings

SLOW = Limit(3, 0.001, "closed")
SLOW_OPEN = Limit(3, 0.001, "open")
FAST = Limit(2, 1000.0, "closed")


@pytest.fixture(autouse=True)
def rules(db_clean, monkeypatch):
    for name, rule in (("slow", SLOW), ("slow_open", SLOW_OPEN), ("fast", FAST)):
        monkeypatch.setitem(LIMITS, name, rule)
    limits.bucket_args.cache_clear()
    monkeypatch.setattr(limits, "_local", {})


@pytest.fixture
def no_redis(monkeypatch):
    gone = redis.Redis(unix_socket_path="/nonexistent/redis.sock", retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(kv, "client", lambda: gone)


def refused(act, *arguments, code="too_many_requests"):
    with pytest.raises(Problem) as caught:
        act(*arguments)
    assert caught.value.code == code
    return caught.value


def test_the_burst_is_the_capacity_and_then_it_is_refused():
    for _ in range(3):
        limits.take("slow", "a")
    problem = refused(limits.take, "slow", "a")
    assert problem.status == 429
    assert 990 <= int(problem.headers["Retry-After"]) <= 1001
    assert problem.detail == {"limit": "slow"}


def test_a_refusal_costs_nothing():
    for _ in range(3):
        limits.take("slow", "a")
    first = int(refused(limits.take, "slow", "a").headers["Retry-After"])
    for _ in range(20):
        refused(limits.take, "slow", "a")
    assert int(refused(limits.take, "slow", "a").headers["Retry-After"]) <= first


def test_subjects_and_actions_do_not_share():
    for _ in range(3):
        limits.take("slow", "a")
    limits.take("slow", "b")
    limits.take("slow_open", "a")


def test_it_refills():
    for _ in range(50):  # far beyond the capacity of two; a refill takes a thousandth of a second
        try:
            limits.take("fast", "a")
        except Problem:
            threading.Event().wait(0.002)
            limits.take("fast", "a")


def test_cost_is_taken_at_once():
    limits.take("slow", "a", 3)
    refused(limits.take, "slow", "a")
    refused(limits.take, "slow", "b", 4)
    limits.take("slow", "b", 3)


def test_every_key_is_ours_has_a_ttl_and_names_nobody():
    limits.take("slow", "13800000000")
    limits.take("fast", "203.0.113.7")
    keys = list(kv.client().scan_iter("*"))
    assert keys
    for key in keys:
        assert key.startswith(b"tb:lim:")
        assert kv.client().pttl(key) > 0
        assert b"13800000000" not in key
        assert b"203.0.113" not in key


def test_many_at_once_never_get_more_than_the_capacity():
    granted = []

    def work():
        for _ in range(10):
            try:
                limits.take("slow", "a")
                granted.append(1)
            except Problem:
                continue

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 3


def test_without_redis_a_closed_rule_refuses(no_redis):
    problem = refused(limits.take, "slow", "a", code="unavailable")
    assert problem.status == 503
    assert int(problem.headers["Retry-After"]) > 0


def test_without_redis_an_open_rule_counts_here(no_redis):
    for _ in range(3):
        limits.take("slow_open", "a")
    refused(limits.take, "slow_open", "a")
    limits.take("slow_open", "b")


def test_the_local_buckets_are_bounded(no_redis, monkeypatch):
    monkeypatch.setattr(limits, "MOST_LOCAL", 10)
    for n in range(100):
        limits.take("slow_open", str(n))
    assert len(limits._local) <= 10


def test_the_bucket_can_live_in_another_script():
    script = kv.client().register_script(
        limits.BUCKET_LUA
        + "return {1, tb_bucket(KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[2]), 1, tb_now()), redis.call('GET', KEYS[1])}"
    )
    kv.client().set("tb:session", "hot", ex=9)
    keys = ["tb:session", limits.bucket_key("slow", "a")]
    answers = [script(keys=keys, args=[*limits.bucket_args("slow")]) for _ in range(4)]
    assert [answer[1] == 0 for answer in answers] == [True, True, True, False]
    assert answers[0][2] == b"hot"
    assert limits.refusal("slow", answers[3][1]).code == "too_many_requests"
    refused(limits.take, "slow", "a")  # it is the same bucket


def test_an_unlisted_action_is_a_bug():
    with pytest.raises(KeyError):
        limits.take("unheard_of", "a")


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_every_rule_can_work(name):
    rule = LIMITS[name]
    assert rule.capacity >= 1
    assert rule.per_s > 0
    assert rule.when_redis_down in {"closed", "open"}


@pytest.mark.parametrize(
    "name",
    [
        "login_address", "login_app", "real_name_ip", "real_name_global", "verification_start", "case_create",
        "ops_write",
    ],
)  # fmt: skip
def test_login_proofs_and_what_is_written_fail_closed(name):
    assert LIMITS[name].when_redis_down == "closed"


def test_every_rule_is_used():
    used = {text for one in modules() if one.name != "config.limits" for text in strings(one)}
    assert sorted(set(LIMITS) - used - {"slow", "slow_open", "fast"}) == []
