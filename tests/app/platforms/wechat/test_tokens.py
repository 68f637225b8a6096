"""The shared access_token: one fetch for everybody, one bounded repeat, and what stands in the cache."""

import threading

import pytest
import redis

from app.core import kv
from app.core.errors import PlatformBusy, PlatformMisconfigured
from app.platforms.wechat import client, tokens
from app.platforms.wechat.client import Reply
from app.platforms.wechat.codes import STALE_TOKEN
from config.settings import get_settings

pytestmark = pytest.mark.usefixtures("db_clean")
STABLE = "/cgi-bin/stable_token"
PATH = "/cityservice/face/identify/queryverifyinfo"


@pytest.fixture
def app():
    return get_settings().wechat_apps[0]


def ask(app):
    """Some call that needs a token; its body is wrong on purpose, so 84010 says that the token was good."""
    return tokens.call(app, "probe", lambda token: client.post("probe", PATH, {"x": 1}, {"access_token": token}))


def test_one_token_serves_every_call(sandbox, app):
    assert [ask(app).errcode for _ in range(3)] == [84010] * 3
    assert sandbox.count(STABLE) == 1


def test_eight_threads_fetch_once(sandbox, app):
    found = []
    threads = [threading.Thread(target=lambda: found.append(tokens.get(app))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert sandbox.count(STABLE) == 1


def test_the_cached_token_is_sealed_and_has_an_end(sandbox, app):
    token = tokens.get(app)
    store = kv.client()
    kept = store.hgetall(f"tb:wechat:token:{app.app_id}")
    assert token.encode() not in b"".join(kept.values())
    assert 6000 < store.ttl(f"tb:wechat:token:{app.app_id}") <= 7200 - tokens.MARGIN_S


def test_a_token_sealed_under_a_lost_key_is_fetched_anew(sandbox, app):
    tokens.get(app)
    kv.client().hset(f"tb:wechat:token:{app.app_id}", "sealed", "v1|aes-256-gcm|gone|AAAA|AAAA|AAAA")
    tokens.get(app)
    assert sandbox.count(STABLE) == 2


def test_an_expired_token_is_replaced_once(sandbox, app):
    ask(app)
    sandbox.control("POST", "clock", advance_s=7300)
    assert ask(app).errcode == 84010
    assert sandbox.count(STABLE) == 2
    assert [entry["check"] for entry in sandbox.journal(PATH)] == ["84010", "42001", "84010"]


def test_a_revoked_token_is_replaced_once(sandbox, app):
    ask(app)
    sandbox.control("POST", "wechat/tokens/revoke")
    assert ask(app).errcode == 84010
    assert [entry["check"] for entry in sandbox.journal(PATH)] == ["84010", "40001", "84010"]


def test_the_same_token_handed_out_again_is_not_sent_again(sandbox, app):
    ask(app)
    sandbox.fault("errcode", "/wechat/cityservice/*", status=40001, count=1)
    with pytest.raises(PlatformMisconfigured) as refused:
        ask(app)
    assert refused.value.code == "40001"
    assert sandbox.count(PATH) == 2


def test_a_slow_process_does_not_drop_the_successor(sandbox, app):
    ask(app)
    old = tokens.get(app)
    sandbox.control("POST", "wechat/tokens/revoke")
    ask(app)
    successor = tokens.get(app)
    tokens._drop(app, old)
    assert tokens.get(app) == successor != old
    assert sandbox.count(STABLE) == 2


def test_force_refresh_is_never_asked_for(sandbox, app, monkeypatch):
    bodies = []
    real = client.post
    monkeypatch.setattr(client, "post", lambda *args, **kw: bodies.append(args[2]) or real(*args, **kw))
    tokens.get(app)
    assert [body["force_refresh"] for body in bodies] == [False]


def test_a_wrong_secret_is_ours_to_mend(sandbox, app):
    sandbox.fault("errcode", "/wechat/cgi-bin/stable_token", status=40125)
    with pytest.raises(PlatformMisconfigured):
        tokens.get(app)


class DeadRedis:
    def __getattr__(self, name) -> None:
        raise redis.ConnectionError


def test_without_redis_wechat_itself_is_the_cache(sandbox, app, monkeypatch):
    monkeypatch.setattr(kv, "client", DeadRedis)
    assert tokens.get(app) == tokens.get(app)
    assert sandbox.count(STABLE) == 2


def test_a_waiter_gives_up_politely_when_the_refresher_hangs(sandbox, app, monkeypatch):
    monkeypatch.setattr(tokens, "WAIT_S", 0.1)
    kv.client().set(f"tb:wechat:token-lock:{app.app_id}", "somebody", px=60_000)
    with pytest.raises(PlatformBusy) as busy:
        tokens.get(app)
    assert busy.value.retry_after_s == 1
    assert sandbox.count(STABLE) == 0


@pytest.mark.parametrize("errcode", sorted(STALE_TOKEN))
def test_each_stale_code_is_known_and_the_same_token_is_not_repeated(sandbox, app, errcode):
    tokens.get(app)
    sent = []

    def send(token):
        sent.append(token)
        return Reply(errcode, "", stated=True, data={})

    with pytest.raises(PlatformMisconfigured):
        tokens.call(app, "probe", send)
    assert len(sent) == 1
    assert sandbox.count(STABLE) == 2
