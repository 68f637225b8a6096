"""Sessions: hot in Redis, true in SQL, ended at once, alive through an emptied Redis."""

import json
from datetime import timedelta

import pytest
import redis

from app.core import clock, db, kv
from config.settings import get_settings
from identity import hot, sessions
from tests.support.citizen_steps import APP, LI, WANG

# Built as app/core/kv.py builds its own: without the retries redis-py adds to a plain client.
AWAY = redis.Redis(connection_pool=redis.BlockingConnectionPool.from_url("unix:///nowhere.sock", timeout=1))


def hot_keys():
    return [key.decode() for key in kv.client().scan_iter("tb:session:*")]


def forget_everything():
    for key in kv.client().scan_iter("tb:*"):
        kv.client().delete(key)


def test_me_says_who_and_how_surely(phone):
    caller = phone()
    assert caller.me() == {
        "citizen_id": caller.citizen_id, "account_id": caller.account_id, "channel": "wechat", "level": "L1",
        "level_name": "已登录", "name_masked": None, "id_number_masked": None, "proofs": [],
    }  # fmt: skip
    assert caller.send("GET", "/v1/me", Accept_Language="en").json["level_name"] == "signed in"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer x", "Basic {token}", "{token}", "Bearer {token}x"]
)
def test_a_token_that_is_none_is_refused(phone, authorization):
    caller = phone()
    answer = caller.client.get(
        "/v1/me", headers={"X-App": APP, "Authorization": authorization.format(token=caller.token)}
    )
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_hot_copy_answers_without_sql(phone, monkeypatch):
    caller = phone()
    caller.me()
    monkeypatch.setattr(sessions, "read_through", lambda _hash: pytest.fail("SQL was asked"))
    assert sessions.principal_of(caller.token).account_id == caller.account_id


def test_the_hot_copy_holds_ids_and_levels_only_and_has_a_ttl(phone):
    caller = phone().to_l2(LI)
    copy = json.loads(kv.client().get(hot_keys()[0]))
    assert set(copy) == {"v", "exp", "sid", "acc", "cit", "app", "hat", "lv"}
    assert list(copy["lv"]) == ["2"]
    assert all(kv.client().pttl(key) != -1 for key in kv.client().scan_iter("tb:*"))
    assert caller.token not in "".join(hot_keys())


def test_a_session_survives_an_emptied_redis(phone):
    caller = phone().to_l2(LI)
    forget_everything()
    assert caller.me()["level"] == "L2"
    assert len(hot_keys()) == 1


def test_a_revoked_session_stays_dead_through_an_emptied_redis(phone):
    caller = phone()
    assert caller.send("DELETE", "/v1/sessions/current").status_code == 204
    assert caller.send("GET", "/v1/me").status_code == 401
    forget_everything()
    assert caller.send("GET", "/v1/me").status_code == 401
    assert kv.client().get(hot_keys()[0]) == hot.TOMBSTONE


def test_sessions_go_on_while_redis_is_away_and_end_there_too(phone, monkeypatch):
    caller = phone()
    monkeypatch.setattr(kv, "client", lambda: AWAY)
    assert caller.me()["level"] == "L1"
    assert caller.send("DELETE", "/v1/sessions/current").status_code == 204
    assert caller.send("GET", "/v1/me").status_code == 401


def test_an_end_that_redis_missed_is_told_again(phone, monkeypatch):
    caller = phone()
    with monkeypatch.context() as away:
        away.setattr(kv, "client", lambda: AWAY)
        caller.send("DELETE", "/v1/sessions/current")
    assert caller.send("GET", "/v1/me").status_code == 200  # the stale copy, until the sweep
    assert sessions.publish_untold() == 1
    assert caller.send("GET", "/v1/me").status_code == 401
    assert sessions.publish_untold() == 0


def test_a_slow_reader_overwrites_neither_a_tombstone_nor_a_newer_copy(phone):
    caller = phone()
    token_hash = sessions.hash_of(caller.token)
    stale = hot.Copy(token_hash, "ss_x", "ac_x", "cz_x", "wechat", "wx", {}, 1, *_far())
    caller.to_l2(LI)
    assert hot.put(stale)
    assert sessions.principal_of(caller.token).level == 2
    caller.send("DELETE", "/v1/sessions/current")
    assert hot.put(stale)
    assert sessions.principal_of(caller.token) is None


def _far():
    return clock.now() + timedelta(hours=1), clock.now() + timedelta(hours=2)


def test_idle_and_absolute_lifetimes_hold_without_redis(phone, old):
    caller = phone()
    old("sessions", "idle_until", get_settings().session_idle_s + 1)
    forget_everything()
    assert caller.send("GET", "/v1/me").status_code == 401
    other = phone("openid-b")
    old("sessions", "expires_at", get_settings().session_absolute_s + 1)
    forget_everything()
    assert other.send("GET", "/v1/me").status_code == 401


def test_the_hot_copy_ends_with_the_absolute_lifetime(phone, time_machine_at):
    caller = phone()
    time_machine_at(get_settings().session_absolute_s + 1)
    assert hot.look(sessions.hash_of(caller.token), 7200).dead


def test_use_keeps_a_session_alive_in_sql_too(phone, old, rows):
    caller = phone()
    caller.me()
    old("sessions", "last_seen_at", 600)
    old("sessions", "idle_until", 600)
    kv.client().delete(hot.seen_key(sessions.hash_of(caller.token)))
    caller.me()
    assert rows("SELECT 1 FROM sessions WHERE last_seen_at > now() - interval '1 minute'")
    assert rows("SELECT 1 FROM sessions WHERE idle_until > now() + interval '119 minutes'")


def test_i_see_and_end_my_own_sessions_only(phone):
    mine, other = phone("openid-a"), phone("openid-b")
    listed = mine.send("GET", "/v1/sessions").json["items"]
    assert [(row["current"], row["channel"]) for row in listed] == [(True, "wechat")]
    theirs = other.send("GET", "/v1/sessions").json["items"][0]["id"]
    answer = mine.send("DELETE", f"/v1/sessions/{theirs}")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert other.me()["level"] == "L1"


def test_at_l3_all_my_sessions_are_mine(phone):
    first, second = phone("openid-a").to_l3(LI), phone("openid-b").to_l3(LI)
    listed = first.send("GET", "/v1/sessions").json["items"]
    assert len(listed) == 2
    theirs = next(row["id"] for row in listed if not row["current"])
    assert first.send("DELETE", f"/v1/sessions/{theirs}").status_code == 204
    assert second.send("GET", "/v1/me").status_code == 401


def test_at_l2_another_account_of_the_same_number_is_not_mine(phone):
    first, second = phone("openid-a").to_l3(LI), phone("openid-b").to_l2(LI)
    assert len(second.send("GET", "/v1/sessions").json["items"]) == 1
    assert len(first.send("GET", "/v1/sessions").json["items"]) == 1


def test_old_sessions_are_forgotten(phone, old, rows):
    phone()
    sessions.forget_ended()
    assert len(rows("SELECT 1 FROM sessions")) == 1
    old("sessions", "expires_at", 32 * 24 * 3600)
    sessions.forget_ended()
    assert rows("SELECT 1 FROM sessions") == []


def test_a_level_reached_shows_in_the_running_session_at_once(phone):
    caller = phone()
    token = caller.token
    caller.to_l2(WANG)
    assert caller.token == token
    assert caller.me()["level"] == "L2"


def test_sessions_are_ended_with_their_transaction_or_not_at_all(phone, rows):
    caller = phone()
    session_id = rows("SELECT id FROM sessions")[0][0]
    with pytest.raises(RuntimeError, match="undone"), db.transaction() as session:
        assert sessions.end(session, [session_id], "test") == 1
        raise RuntimeError("undone")
    assert caller.me()["level"] == "L1"
