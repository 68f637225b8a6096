"""The gate: one round trip, one connection a thread, nobody else's answer, and a way on without Redis."""

import threading

import pytest
import redis

from app.core import kv
from app.core.errors import Problem
from handlers.gateway import gate
from identity import hot, sessions
from tests.support.citizen_steps import APP


def environ(phone) -> dict[str, str]:
    return {"HTTP_X_APP": APP, "HTTP_AUTHORIZATION": f"Bearer {phone.token}"}


def refusal(asked: dict[str, str]) -> str:
    with pytest.raises(Problem) as refused:
        gate.enter(asked)
    return refused.value.code


def test_a_hot_session_enters_with_its_levels(citizen):
    phone = citizen(at=2)
    principal = gate.enter(environ(phone))
    assert (principal.account_id, principal.level) == (phone.account_id, 2)


def test_a_hot_session_is_one_command(citizen, monkeypatch):
    phone = citizen()
    gate.enter(environ(phone))
    sent: list[str] = []
    once = gate._once
    monkeypatch.setattr(gate, "_once", lambda *command: (sent.append(command[0]), once(*command))[1])
    gate.enter(environ(phone))
    assert sent == ["EVALSHA"]


def test_the_script_is_loaded_again_when_redis_forgot_it(citizen):
    phone = citizen()
    kv.client().script_flush()
    assert gate.enter(environ(phone)).account_id == phone.account_id


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_word_bearer_is_of_any_case(citizen, scheme):
    phone = citizen()
    assert gate.enter(environ(phone) | {"HTTP_AUTHORIZATION": f"{scheme} {phone.token}"})


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Basic dTpw", "Bearer  x", "Bearer tbs_short", "Bearer tbs_" + "a" * 44, "Bearer tbs_" + "密" * 43],
)
def test_what_is_no_token_costs_no_round_trip(citizen, monkeypatch, header):
    phone = citizen()
    monkeypatch.setattr(gate, "_once", lambda *_: pytest.fail("asked"))
    assert refusal(environ(phone) | {"HTTP_AUTHORIZATION": header}) == "unauthenticated"


def test_a_dead_session_is_refused(citizen):
    phone = citizen()
    phone.send("DELETE", "/v1/sessions/current")
    assert kv.client().get(hot.session_key(sessions.hash_of(phone.token))) == hot.TOMBSTONE
    assert refusal(environ(phone)) == "unauthenticated"


def test_a_token_of_another_app_is_refused(citizen, monkeypatch):
    phone = citizen()
    monkeypatch.setattr(gate, "is_known", lambda _app: True)
    assert refusal(environ(phone) | {"HTTP_X_APP": "wechat/wxffffffffffffffff"}) == "unauthenticated"


def test_an_answer_to_another_question_is_nobody_s(citizen, monkeypatch):
    """As if a connection had been shared: Redis echoes whose question it answered, and that is not ours."""
    one, other = citizen("openid-1"), citizen("openid-2")
    answer = gate._evaluate(gate._arguments(sessions.hash_of(other.token)))
    with monkeypatch.context() as patch:
        patch.setattr(gate, "_evaluate", lambda _arguments: answer)
        assert refusal(environ(one)) == "unavailable"
    assert gate._wires.connection is None
    assert gate.enter(environ(one)).account_id == one.account_id


def test_a_connection_that_failed_is_not_used_again(citizen, monkeypatch):
    phone = citizen()
    gate.enter(environ(phone))
    first = gate._wires.connection
    first._sock.close()
    assert gate.enter(environ(phone)).account_id == phone.account_id
    monkeypatch.setattr(type(first), "read_response", lambda *_a, **_k: (_ for _ in ()).throw(TimeoutError))
    with pytest.raises(TimeoutError):
        gate._once("PING")
    assert gate._wires.connection is None


def test_each_thread_has_its_own_connection(citizen):
    phone = citizen()
    seen: list[object] = []

    def ask() -> None:
        gate.enter(environ(phone))
        seen.append(gate._wires.connection)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(connection) for connection in seen}) == 4


def test_without_redis_sql_knows_the_session(citizen, monkeypatch):
    phone = citizen()

    def down(*_args: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(gate, "_once", down)
    assert gate.enter(environ(phone)).account_id == phone.account_id
    phone.send("DELETE", "/v1/sessions/current")
    assert refusal(environ(phone)) == "unauthenticated"


def test_the_allowance_is_counted_and_comes_back_with_a_time(citizen):
    phone = citizen()
    with pytest.raises(Problem) as refused:
        for _ in range(200):
            gate.enter(environ(phone))
    assert refused.value.code == "too_many_requests"
    assert int(refused.value.headers["Retry-After"]) >= 1
    assert gate.enter(environ(citizen("openid-b")))


def test_no_key_of_the_gate_stays_for_ever_or_names_anybody(citizen):
    phone = citizen()
    gate.enter(environ(phone))
    keys = list(kv.client().scan_iter("tb:*"))
    assert keys
    for key in keys:
        assert kv.client().ttl(key) > 0, key
        assert phone.token.encode() not in key
