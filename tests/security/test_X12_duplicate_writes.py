"""X12: a write reaches a service once under one key, whatever happens to the answer, the worker or the memory."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.core import idempotency, kv
from app.core.db import ALL_TENANTS, transaction
from app.core.ids import is_id
from handlers.gateway import exchanges
from tests.support.gateway import call, impatient, manifest, publish
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, personal, plain, proved, trust, upstream
from tests.support.upstream import enveloped, received
from tests.support.upstreams import close, ok, reset

__all__ = ["citizen", "gateway_app", "gateway_world", "personal", "plain", "proved", "trust", "upstream"]

KEY = "key-00000001"
HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
EXECUTED_AND_LOST = {
    "reset": reset,
    "closed": close,
    "half an answer": lambda wire: (wire.sendall(HALF), close(wire)),
    "500": ok(b"{}", status="500 Internal Server Error"),
    "502": ok(b"{}", status="502 Bad Gateway"),
    "503 without a word when": ok(b"{}", status="503 Service Unavailable"),
    "504": ok(b"{}", status="504 Gateway Timeout"),
}


def write(phone, service_id):
    return call(phone, service_id, "POST", "/cards", {"reason": "LOST"}, Idempotency_Key=KEY)


def outcomes() -> list[tuple[str, str]]:
    with transaction(ALL_TENANTS) as db:
        return [tuple(row) for row in db.execute(text("SELECT outcome, reason FROM exchanges ORDER BY id"))]


@pytest.mark.parametrize("script", EXECUTED_AND_LOST.values(), ids=EXECUTED_AND_LOST)
def test_X12_executed_and_the_answer_lost_is_unknown_and_stays_so(proved, personal, upstream, script):
    upstream.scripts[:] = [script]
    first = call(proved, personal, "POST", "/cards", {"reason": "LOST"}, Idempotency_Key=KEY)
    assert (first.status_code, first.json["code"]) == (504, "outcome_unknown")
    upstream.scripts[:] = [enveloped({"card": "second"})]
    for _ in range(2):
        again = call(proved, personal, "POST", "/cards", {"reason": "LOST"}, Idempotency_Key=KEY)
        assert (again.status_code, again.json["code"]) == (504, "outcome_unknown")
    assert len(upstream.requests) == 1
    assert [outcome for outcome, _ in outcomes()] == ["UNKNOWN"]


def test_X12_silence_is_unknown_and_stays_so(citizen, upstream):
    service_id = publish(impatient(manifest(upstream.url()[:-1])))
    phone = citizen(at=3)
    phone.consent(f"service:{service_id}")
    upstream.scripts[:] = [lambda _wire: None]
    for _ in range(2):
        answer = call(phone, service_id, "POST", "/cards", {}, Idempotency_Key=KEY)
        assert (answer.status_code, answer.json["code"]) == (504, "outcome_unknown")
    assert len(upstream.requests) == 1
    assert outcomes() == [("UNKNOWN", "timeout")]


def test_X12_the_same_key_later_returns_the_recorded_answer(proved, personal, upstream):
    upstream.scripts[:] = [enveloped({"card": "first"}), enveloped({"card": "second"})]
    first = call(proved, personal, "POST", "/cards", {"reason": "LOST"}, Idempotency_Key=KEY)
    for key in kv.client().scan_iter("tb:*"):  # nothing of it lived in Redis alone
        kv.client().delete(key)
    again = call(proved, personal, "POST", "/cards", {"reason": "LOST"}, Idempotency_Key=KEY)
    assert first.json == again.json == {"data": {"card": "first"}}
    assert again.headers["Idempotent-Replay"] == "true"
    assert len(upstream.requests) == 1


def test_X12_the_same_key_for_something_else_is_refused(proved, personal, upstream):
    call(proved, personal, "POST", "/cards", {"reason": "LOST"}, Idempotency_Key=KEY)
    other = call(proved, personal, "POST", "/cards", {"reason": "DAMAGED"}, Idempotency_Key=KEY)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("key", [None, "", "short", "has space here", "x" * 65, "密钥密钥密钥密钥"])
def test_X12_a_write_without_a_usable_key_is_refused(proved, personal, upstream, key):
    headers = {} if key is None else {"Idempotency_Key": key.encode().decode("latin-1")}
    answer = call(proved, personal, "POST", "/cards", {}, **headers)
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_required")
    assert upstream.requests == []


def test_X12_fifty_at_once_under_one_key_are_one(proved, personal, upstream):
    statuses: list[int] = []
    started = threading.Barrier(20)

    def press() -> None:
        started.wait()
        statuses.append(call(proved, personal, "POST", "/cards", {"reason": "LOST"}, Idempotency_Key=KEY).status_code)

    threads = [threading.Thread(target=press) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(upstream.requests) == 1
    assert set(statuses) <= {200, 409}
    assert 200 in statuses


@pytest.mark.parametrize(
    "script",
    [
        ok(b"{}", "Retry-After: 7", status="503 Service Unavailable"),
        ok(b"{}", status="429 Too Many Requests"),
        ok(b"{}", status="401 Unauthorized"),
    ],
    ids=["503 and when", "429", "401"],
)
def test_X12_what_the_service_says_it_did_not_do_may_be_tried_again(proved, personal, upstream, script):
    upstream.scripts[:] = [script, enveloped({"card": "now"})]
    first = call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
    assert (first.status_code, first.json["code"]) == (503, "upstream_unavailable")
    assert int(first.headers["Retry-After"]) > 0
    assert call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY).json == {"data": {"card": "now"}}
    assert [outcome for outcome, _ in outcomes()] == ["NOT_SENT", "ANSWERED"]


def test_X12_what_never_left_may_be_tried_again(proved, personal, upstream, trust):
    trust()  # nobody: the policy refuses before a byte
    first = call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
    assert first.status_code in {404, 503}
    trust(upstream)
    assert call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY).status_code == 200
    assert len(upstream.requests) == 1


def test_X12_the_key_that_goes_out_is_the_citizen_s_own(citizen, proved, personal, upstream):
    """Two people with the same text have different keys at the service; one person's stays the same for ever."""
    upstream.scripts[:] = [ok(b"{}", status="429 Too Many Requests"), enveloped({})]
    for _ in range(2):
        call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
    other = citizen("openid-b", at=3, who=("王芳", "990101198812120022"))
    other.consent(f"service:{personal}")
    call(other, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
    keys = [seen.header("Idempotency-Key") for seen in received(upstream)]
    assert keys[0] == keys[1] != keys[2]
    assert {key.partition(".")[0] for key in keys} == {KEY}


def test_X12_a_database_that_fails_after_the_call_leaves_the_key_taken(proved, personal, upstream, monkeypatch):
    def broken(*_args: object) -> None:
        raise OSError

    monkeypatch.setattr(exchanges, "closed", broken)
    assert call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY).status_code == 500
    monkeypatch.undo()
    again = call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
    assert again.json["code"] in {"outcome_unknown", "still_running"}
    assert len(upstream.requests) == 1


def _lose_the_database(monkeypatch, module, name):
    def away(*_args, **_kwargs):
        raise OperationalError("UPDATE", {}, Exception("away"))

    monkeypatch.setattr(module, name, away)


def test_X12_a_database_lost_before_the_bytes_leaves_the_key_free(proved, personal, upstream, monkeypatch):
    with monkeypatch.context() as broken:
        _lose_the_database(broken, exchanges, "opened")
        answer = write(proved, personal)
        assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert upstream.requests == []
    assert write(proved, personal).status_code == 200


@pytest.mark.parametrize(("module", "name"), [(exchanges, "closed"), (idempotency, "complete")])
def test_X12_a_database_lost_after_the_bytes_does_not_invite_another_try(
    proved, personal, upstream, monkeypatch, module, name
):
    with monkeypatch.context() as broken:
        _lose_the_database(broken, module, name)
        _lose_the_database(broken, idempotency, "mark_unknown")
        answer = write(proved, personal)
    assert (answer.status_code, answer.json["code"]) == (504, "outcome_unknown")
    assert is_id("ex", answer.json["exchange_id"])
    assert write(proved, personal).json["code"] in {"still_running", "outcome_unknown"}
    assert len(upstream.requests) == 1


def test_X12_an_unknown_write_is_told_as_such_with_the_database_away(proved, personal, upstream, monkeypatch):
    upstream.scripts = [reset]
    _lose_the_database(monkeypatch, idempotency, "mark_unknown")
    assert write(proved, personal).json["code"] == "outcome_unknown"
