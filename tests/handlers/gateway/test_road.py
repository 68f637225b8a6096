"""The road decides: pure, so every case is a row."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.principal import Principal
from handlers.gateway import manifest as manifests
from handlers.gateway import road
from tests.support.gateway import APPLY, CARD, manifest

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
READ = {"method": "GET", "raw_path": "/cards/99-1"}
WRITE = {
    "method": "POST",
    "raw_path": "/cards",
    "content_type": "application/json",
    "body": b'{"reason":"LOST"}',
    "idempotency_key": "key-00000001",
}


def service(level: int = 3, **changes) -> road.Published:
    return road.Published("sv_1", "acme", 1, manifests.read(manifest(**changes)), level)


def citizen(level: int = 3, *, age_s: int = 0, channel: str = "wechat") -> Principal:
    levels = {level: NOW - timedelta(seconds=age_s)} if level > 1 else {}
    return Principal("ss_1", "ac_1", "cz_1", channel, "wx1", levels)


def decide(asked: dict, *, who: Principal | None = None, what: road.Published | None = None):
    return road.decide(what or service(), who or citizen(), road.Asked(**asked), NOW)


def test_a_read_goes_on_without_body_or_fields():
    forward = decide(READ | {"raw_query": "page=2"})
    assert isinstance(forward, road.Forward)
    assert (forward.path, forward.query, forward.body, forward.declared) == ("/cards/99-1", "page=2", None, ())
    assert forward.is_plain
    assert forward.region == "990000000000"


def test_a_write_goes_on_with_its_key_and_the_declared_fields():
    forward = decide(WRITE)
    assert isinstance(forward, road.Forward)
    assert (forward.idempotency_key, forward.body) == ("key-00000001", {"reason": "LOST"})
    assert forward.declared == ("name", "id_number")
    assert forward.needs_ticket
    assert not forward.is_plain


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (READ | {"raw_path": "/other"}, "operation_not_offered"),
        (READ | {"method": "DELETE"}, "method_not_allowed"),
        (READ | {"raw_path": "/cards/../admin"}, "path_refused"),
        (READ | {"raw_path": "/cards/%2e%2e"}, "path_refused"),
        (READ | {"raw_query": "admin=1"}, "invalid_fields"),
        (READ | {"raw_query": "page=1&page=2"}, "repeated_parameter"),
        (READ | {"body": b"{}"}, "bad_request"),
        (READ | {"region": "110000000000"}, "service_not_offered"),
        (READ | {"region": "x"}, "service_not_offered"),
        (WRITE | {"idempotency_key": None}, "idempotency_key_required"),
        (WRITE | {"idempotency_key": "short"}, "idempotency_key_required"),
        (WRITE | {"idempotency_key": "key with spaces"}, "idempotency_key_required"),
        (WRITE | {"content_type": "text/plain"}, "unsupported_media_type"),
        (WRITE | {"content_type": ""}, "unsupported_media_type"),
        (WRITE | {"body": b'{"a":1,"a":2}'}, "invalid_json"),
        (WRITE | {"body": b"NaN"}, "invalid_json"),
        (WRITE | {"body": b"[1]"}, "invalid_fields"),
        (WRITE | {"body": b'{"subject":{"name":"x"}}'}, "invalid_fields"),
        (WRITE | {"body": b'{"sub\\u006aect":{"name":"x"}}'}, "invalid_fields"),
    ],
)
def test_what_may_not_pass_is_refused_by_a_word(asked, code):
    refusal = decide(asked)
    assert isinstance(refusal, road.Refuse)
    assert refusal.code == code


def test_a_refused_method_says_which_are_allowed():
    assert decide(READ | {"method": "DELETE"}).headers == {"Allow": "GET"}


def test_a_service_of_another_channel_is_not_offered_here():
    assert decide(READ, who=citizen(channel="alipay")).code == "service_not_offered"


@pytest.mark.parametrize("region", ["990000000000", "990100000000", "990101001001"])
def test_a_region_under_the_service_s_own_is_served_and_named_upstream(region):
    assert decide(READ | {"region": region}).region == region


@pytest.mark.parametrize(
    ("level", "needed", "passes"),
    [(1, 1, True), (1, 2, False), (2, 2, True), (2, 3, False), (3, 2, True), (3, 3, True)],
)
def test_the_level_is_held_against_the_service_s(level, needed, passes):
    decided = decide(READ, who=citizen(level), what=service(needed))
    assert isinstance(decided, road.Forward) is passes
    if not passes:
        assert (decided.code, decided.level) == ("assurance_too_low", needed)


@pytest.mark.parametrize(("age_s", "passes"), [(0, True), (600, True), (601, False)])
def test_a_proof_may_not_be_older_than_the_service_or_operation_says(age_s, passes):
    for what in (service(max_age_s=600), service(operations=[CARD | {"max_age_s": 600}, APPLY])):
        decided = decide(READ, who=citizen(age_s=age_s), what=what)
        assert isinstance(decided, road.Forward) is passes
        if not passes:
            assert (decided.code, decided.max_age_s) == ("assurance_too_low", 600)


def test_equal_calls_have_equal_digests_and_others_do_not():
    one, same = decide(WRITE), decide(WRITE | {"body": b'{ "reason" : "LOST" }', "idempotency_key": "key-00000002"})
    other = decide(WRITE | {"body": b'{"reason":"DAMAGED"}'})
    assert one.digest == same.digest != other.digest


def test_who_asks_is_judged_before_what_they_send():
    assert decide(WRITE | {"body": b"{"}, who=citizen(1)).code == "assurance_too_low"
