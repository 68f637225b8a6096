"""The proxied call, end to end in this process: real PostgreSQL, real Redis, a recording upstream on loopback."""

import re

import pytest
from sqlalchemy import select, text

from app.core import clock, kv
from app.core.db import ALL_TENANTS, transaction
from app.core.errors import NotSent, OutcomeUnknown, PlatformBusy
from handlers.gateway import exchanges
from handlers.gateway.models import Exchange
from identity import hot, sessions
from tests.support.citizen_steps import APP, LI
from tests.support.gateway import call, manifest, plain_manifest, publish
from tests.support.upstream import enveloped, received
from tests.support.upstreams import close, reset

KEY = "key-00000001"
HEADER_NAMES = {
    "host", "accept-encoding", "accept", "x-request-id", "x-channel", "x-region", "x-tif-paasid", "x-tif-timestamp",
    "x-tif-nonce", "x-tif-signature",
}  # fmt: skip


def kept() -> list[Exchange]:
    exchanges.BATCH.flush()
    with transaction(ALL_TENANTS) as db:
        return list(db.scalars(select(Exchange).order_by(Exchange.id)))


def uses() -> list:
    with transaction(ALL_TENANTS) as db:
        return list(
            db.execute(
                text("SELECT actor, purpose, fields, recipient, ref FROM data_uses WHERE purpose LIKE 'service:%'")
            )
        )


# ---- reads ----------------------------------------------------------------------------------------------------------


def test_a_plain_read_goes_out_signed_and_comes_back_unwrapped(citizen, upstream, plain):
    phone = citizen()
    answer = call(phone, plain, "GET", "/cards/99-1?page=2", X_Request_Id="request-0001")
    assert (answer.status_code, answer.json) == (200, {"data": {"card": "ok"}})
    (seen,) = received(upstream)
    assert (seen.method, seen.target) == ("GET", "/ebus/cards/cards/99-1?page=2")
    assert set(seen.headers) == HEADER_NAMES
    assert (seen.header("X-Request-Id"), seen.header("X-Channel")) == ("request-0001", "wechat")
    (row,) = kept()
    assert (row.outcome, row.upstream_status, row.citizen_ref) == ("ANSWERED", 200, phone.account_id)
    assert (row.path_template, row.request_id, row.tenant_id != "province") == (
        "/cards/{card_no}",
        "request-0001",
        True,
    )


def test_the_answer_carries_our_headers_and_none_of_theirs(citizen, upstream, plain):
    upstream.scripts[:] = [
        enveloped({}, 0, "200 OK", "Set-Cookie: a=b", "Server: theirs", "Access-Control-Allow-Origin: *", "X-Tif-Uid: u",
                  "Strict-Transport-Security: max-age=1", "Location: https://elsewhere.example"),
    ]  # fmt: skip
    answer = call(citizen(), plain, "GET", "/cards/99-1")
    assert answer.status_code == 200
    assert set(answer.headers.keys()) == {
        "Content-Type", "Content-Length", "X-Request-Id", "X-Content-Type-Options", "Cache-Control",
    }  # fmt: skip
    assert answer.headers["Content-Type"] == "application/json"


def test_a_refusal_says_each_header_once(citizen, plain):
    """A length said twice is a broken answer to every proxy and to every strict client."""
    answer = call(citizen(), plain, "GET", "/not/offered")
    assert answer.status_code == 404
    names = [name.lower() for name, _ in answer.headers]
    assert sorted(names) == sorted(set(names))
    assert answer.headers["Content-Length"] == str(len(answer.data))


def test_a_read_leaves_no_trace_of_what_it_said(citizen, upstream, plain):
    upstream.scripts[:] = [enveloped({"note": "canary-content"})]
    call(citizen(), plain, "GET", "/cards/canary-path?q=canary-query")
    (row,) = kept()
    assert not re.search("canary", str([getattr(row, name) for name in exchanges.Row._fields]))
    assert re.fullmatch(r"1:[0-9a-f]{64}", row.request_digest)
    assert re.fullmatch(r"1:[0-9a-f]{64}", row.response_digest)


def test_a_read_needs_no_sql_once_the_session_is_hot(citizen, plain, monkeypatch):
    phone = citizen()
    assert call(phone, plain, "GET", "/cards/1").status_code == 200

    def no_sql(*_args: object) -> None:
        pytest.fail("SQL on the hot path")

    for place in (sessions, exchanges):
        monkeypatch.setattr(place, "transaction", no_sql)
    exchanges.BATCH._writing.acquire()  # the flusher is not the path
    try:
        assert call(phone, plain, "GET", "/cards/1").status_code == 200
    finally:
        exchanges.BATCH._writing.release()


def test_a_read_whose_kept_connection_died_is_asked_once_more(citizen, upstream, plain):
    upstream.scripts[:] = [close, enveloped({"card": "ok"})]
    assert call(citizen(), plain, "GET", "/cards/1").status_code == 200
    assert len(upstream.requests) == 2


def test_a_read_is_not_asked_a_third_time(citizen, upstream, plain):
    upstream.scripts[:] = [reset]
    answer = call(citizen(), plain, "GET", "/cards/1")
    assert (answer.status_code, answer.json["code"]) == (502, "upstream_garbled")
    assert len(upstream.requests) == 2
    assert kept()[0].outcome == "UNKNOWN"


# ---- who may call ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "unauthenticated"),
        ({"Authorization": "Bearer nonsense"}, 401, "unauthenticated"),
        ({"Authorization": "Bearer tbs_" + "A" * 43}, 401, "unauthenticated"),
        ({"X-App": ""}, 400, "app_required"),
        ({"X-App": "wechat/wx0000000000000000"}, 400, "app_required"),
        ({"X-App": "fax/1"}, 400, "app_required"),
    ],
)
def test_without_a_session_nothing_goes_on(gateway_app, citizen, upstream, plain, headers, status, code):
    phone = citizen()
    sent = {"X-App": APP, "Authorization": f"Bearer {phone.token}"} | headers
    answer = gateway_app.test_client().get(f"/v1/services/{plain}/call/cards/1", headers=sent)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"
    assert upstream.requests == []


def test_a_session_that_ended_is_over_at_once(citizen, upstream, plain):
    phone = citizen()
    assert call(phone, plain, "GET", "/cards/1").status_code == 200
    assert phone.send("DELETE", "/v1/sessions/current").status_code == 204
    assert call(phone, plain, "GET", "/cards/1").status_code == 401
    assert len(upstream.requests) == 1


def test_a_session_survives_an_emptied_redis(citizen, plain):
    phone = citizen()
    for key in kv.client().scan_iter("tb:*"):
        kv.client().delete(key)
    assert call(phone, plain, "GET", "/cards/1").status_code == 200
    assert kv.client().exists(hot.session_key(sessions.hash_of(phone.token)))


def test_too_many_calls_are_told_when_to_come_back(citizen, upstream, plain):
    phone = citizen()
    answers = [call(phone, plain, "GET", "/cards/1") for _ in range(80)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].json["code"] == "too_many_requests"
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert len(upstream.requests) == len(answers) - len(refused)


def test_an_unknown_service_is_not_found(citizen, plain):
    answer = call(citizen(), "sv_01h455vb4pex5vsknk084sn02q", "GET", "/cards/1")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_level_too_low_says_what_would_do(citizen, upstream, personal):
    answer = call(citizen(), personal, "GET", "/cards/1")
    assert (answer.status_code, answer.json["code"]) == (403, "assurance_too_low")
    assert answer.json["need"] == {"level": "L3"}
    assert answer.json["methods"]
    assert upstream.requests == []


def test_an_item_raises_the_level_of_its_service(citizen, upstream):
    service_id = publish(plain_manifest(upstream.url()[:-1]), floor="L2")
    assert call(citizen(), service_id, "GET", "/cards/1").status_code == 403
    assert call(citizen("openid-b", at=2), service_id, "GET", "/cards/1").status_code == 200


def test_an_old_proof_is_no_proof(citizen, upstream):
    service_id = publish(manifest(upstream.url()[:-1], max_age_s=600))
    phone = citizen(at=3)
    assert call(phone, service_id, "GET", "/cards/1").status_code == 200
    with transaction(ALL_TENANTS) as db:
        db.execute(text("UPDATE evidence SET obtained_at = obtained_at - interval '11 minutes'"))
    kv.client().delete(hot.session_key(sessions.hash_of(phone.token)))
    answer = call(phone, service_id, "GET", "/cards/1")
    assert (answer.status_code, answer.json["need"]) == (403, {"level": "L3", "max_age_s": 600})


# ---- writes ---------------------------------------------------------------------------------------------------------


def test_a_write_hands_over_a_ticket_and_the_declared_fields_and_nothing_else(upstream, personal, proved):
    answer = call(proved, personal, "POST", "/cards", {"reason": "LOST"}, Idempotency_Key=KEY)
    assert answer.status_code == 200, answer.json
    (seen,) = received(upstream)
    assert seen.json == {"reason": "LOST", "subject": {"name": LI[0], "id_number": LI[1]}}
    assert seen.header("X-Subject-Token") == "ticket-subject-li-cards-1"
    assert set(seen.headers) == HEADER_NAMES | {"content-type", "content-length", "idempotency-key", "x-subject-token"}


def test_a_write_is_on_record_with_who_used_what_for_whom(personal, proved):
    call(proved, personal, "POST", "/cards", {"reason": "LOST"}, Idempotency_Key=KEY)
    (row,) = kept()
    assert (row.outcome, row.method, bool(row.idempotency_ref)) == ("ANSWERED", "POST", True)
    (use,) = uses()
    assert use.actor == proved.account_id
    assert (use.purpose, use.ref, use.recipient) == (f"service:{personal}", row.id, "社会保障卡补领")
    assert use.fields == ["id_number", "name", "subject_ref"]


def test_without_consent_nobody_is_told_who_the_citizen_is(citizen, gateway_world, upstream, personal):
    phone = citizen(at=3)
    answer = call(phone, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
    assert (answer.status_code, answer.json["code"]) == (403, "consent_required")
    assert answer.json["purpose"] == f"service:{personal}"
    assert (upstream.requests, gateway_world.calls["issue_ticket"], kept(), uses()) == ([], 0, [], [])
    assert phone.consent(f"service:{personal}").status_code == 201
    assert call(phone, personal, "POST", "/cards", {}, Idempotency_Key=KEY).status_code == 200


def test_a_new_version_that_asks_for_more_asks_for_consent_again(upstream, personal, proved):
    more = manifest(upstream.url()[:-1])
    more["fields"] = [*more["fields"], {"name": "birth_on", "purpose": "核对年龄"}]
    assert publish(more) == personal
    answer = call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
    assert (answer.status_code, answer.json["code"]) == (403, "consent_required")
    assert upstream.requests == []


def test_no_ticket_means_nothing_was_sent_and_the_key_is_free(gateway_world, upstream, personal, proved):
    for trouble in (NotSent("connect"), OutcomeUnknown("timeout"), PlatformBusy("province", "sso.tickets", "50301")):
        gateway_world.trouble["issue_ticket"] = trouble
        answer = call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
        assert (answer.status_code, answer.json["code"]) == (503, "upstream_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert upstream.requests == []
    assert {row.outcome for row in kept()} == {"NOT_SENT"}
    assert gateway_world.calls["issue_ticket"] == 3  # one a call: never asked again by us
    gateway_world.trouble.clear()
    assert call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY).status_code == 200


def test_a_refusal_is_told_by_the_department_s_word_alone(upstream, personal, proved):
    upstream.scripts[:] = [enveloped({"secret": "canary"}, 40901, "409 CONFLICT")]
    answer = call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
    assert (answer.status_code, answer.json["code"], answer.json["upstream_code"]) == (422, "upstream_refused", "40901")
    assert b"canary" not in answer.data
    assert kept()[0].outcome == "ANSWERED"


def test_an_intent_is_committed_before_the_bytes_leave(gateway_world, upstream, personal, proved):
    seen: list[str] = []
    gateway_world.during["issue_ticket"] = lambda: seen.extend(row.outcome for row in kept())
    call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
    assert seen == ["SENDING"]


def test_what_a_dead_worker_left_behind_becomes_unknown(gateway_world, personal, proved):
    class Killed(BaseException):
        """As SIGKILL: nothing after it runs."""

    def die() -> None:
        raise Killed

    gateway_world.during["issue_ticket"] = die
    with pytest.raises(Killed):
        call(proved, personal, "POST", "/cards", {}, Idempotency_Key=KEY)
    assert exchanges.sweep() == 0  # not yet: another worker may still be at it
    with transaction(ALL_TENANTS) as db:
        db.execute(text("UPDATE exchanges SET started_at = :then"), {"then": clock.now().replace(year=2020)})
    assert exchanges.sweep() == 1
    assert [(row.outcome, row.reason) for row in kept()] == [("UNKNOWN", "worker_lost")]


def test_a_body_up_to_two_mebibytes_passes_and_a_byte_more_does_not(upstream, personal, proved):
    most = 2 * 1024 * 1024
    frame = len(b'{"a":""}')
    url = f"/v1/services/{personal}/call/cards"
    headers = {"X-App": APP, "Authorization": f"Bearer {proved.token}", "Content-Type": "application/json"}
    for extra, status in ((-1000, 200), (1, 413)):
        body = b'{"a":"' + b"x" * (most - frame + extra) + b'"}'
        answer = proved.client.post(url, data=body, headers=headers | {"Idempotency-Key": f"key-size-{status}"})
        assert answer.status_code == status, answer.json
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_other_methods_are_refused_with_what_is_allowed(citizen, upstream, plain, method):
    answer = call(citizen(), plain, method, "/cards/1")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert upstream.requests == []


def test_refusals_follow_the_caller_s_language(citizen, plain):
    phone = citizen()
    chinese = call(phone, plain, "GET", "/nothing").json["detail"]
    english = call(phone, plain, "GET", "/nothing", Accept_Language="en").json["detail"]
    assert "没有" in chinese
    assert english.isascii()
