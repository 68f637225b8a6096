"""The province's callbacks at the verify level: signed by the stand-in's own code, read by the client's (province.md 3.6)."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.core.inbound import Forged, Inbound, Malformed
from app.platforms.base import CallbackKind
from app.platforms.province.callbacks import verify
from app.platforms.province.stand_in.signing import pcb_signature, tif_signature
from config.settings import get_settings

PATH = "/callbacks/province/events"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FACE = {
    "eventId": "E1",
    "type": "identity.face",
    "at": 1700000000000,
    "seq": 1,
    "data": {"refId": "fc1", "bizToken": "b", "result": "PASS", "score": 99},
}
CASE = {
    "eventId": "E2",
    "type": "case.state",
    "at": 1700000000000,
    "seq": 17,
    "caseNo": "9900002026",
    "data": {"from": "ACCEPTED", "to": "DONE", "result": "APPROVED"},
}


def inbound(event=CASE, *, raw=None, skew_s=0, secret=None, digest="sha256", **change):
    settings = get_settings()
    body = json.dumps(event).encode() if raw is None else raw
    stamp, nonce = str(int(NOW.timestamp()) + skew_s), "n-0001"
    key = settings.province_callback_secret.get_secret_value() if secret is None else secret
    headers = {
        "x-pcb-key": settings.province_callback_key_id,
        "x-pcb-timestamp": stamp,
        "x-pcb-nonce": nonce,
        "x-pcb-signature": pcb_signature(key, stamp, nonce, "POST", PATH, body, digest),
    }
    values = {
        "platform": "province",
        "app_id": "events",
        "method": "POST",
        "path": PATH,
        "query": "",
        "headers": headers | change.pop("headers", {}),
        "body": body,
        "received_at": NOW,
    }
    return Inbound(**(values | change))


def test_a_case_event_is_a_hint_and_nothing_more():
    event = verify(inbound())
    assert event.kind is CallbackKind.CASE_STATE
    assert event.data == {"case_no": "9900002026", "seq": 17}
    assert (event.event_id, event.nonce) == ("E2", "n-0001")
    assert event.occurred_at == datetime.fromtimestamp(1700000000, UTC)
    assert (event.reply, event.reply_type) == (b'{"code":0}', "application/json")


def test_a_face_event_names_the_check_and_drops_the_result():
    event = verify(inbound(FACE))
    assert event.kind is CallbackKind.FACE_DONE
    assert event.data == {"ref_id": "fc1"}


@pytest.mark.parametrize("kind", ["case.correction", "case.suspend", "case.resume"])
def test_every_event_that_counts_in_a_case_s_seq_asks_for_the_case(kind):
    assert verify(inbound(CASE | {"type": kind})).kind is CallbackKind.CASE_STATE


@pytest.mark.parametrize("kind", ["item.changed", "bill.settled", "some.thing"])
def test_what_is_not_ours_yet_is_acknowledged(kind):
    event = verify(inbound({"eventId": "E3", "type": kind, "at": 0}))
    assert event.kind is CallbackKind.IGNORED
    assert event.data == {"type": kind}


def test_both_digests_are_the_province_s():
    assert verify(inbound(digest="sm3")).event_id == "E2"


def test_a_repeat_has_the_same_event_id_under_another_nonce(stage):
    """The platform's own repeat: what the pipeline de-duplicates by is stable, what it guards replays by is not."""
    stage.control("/sim/v1/province/script", {"face_delay_s": 0, "face_copies": 2})
    pushed = _pushed_face(stage)
    first, second = (verify(_from(push)) for push in pushed)
    assert first.event_id == second.event_id
    assert first.nonce != second.nonce


def test_the_stand_in_s_forgery_is_refused(stage):
    stage.control("/sim/v1/province/script", {"face_delay_s": 0})
    stage.fault("wrong-sign", "push/province/identity.face")
    (push,) = _pushed_face(stage)
    with pytest.raises(Forged):
        verify(_from(push))


def _pushed_face(stage):
    body = {"name": "李明", "idNo": "990101199003070015", "liveness": {"provider": "wechat", "bizToken": "b"}}
    settings = get_settings()
    stamp = str(int(stage.bench.now()))
    headers = {
        "x-tif-paasid": settings.province_paas_id,
        "x-tif-timestamp": stamp,
        "x-tif-nonce": "n",
        "x-tif-signature": tif_signature(stamp, settings.province_paas_token.get_secret_value(), "n"),
        "Idempotency-Key": "k",
    }
    stage.app.test_client().post("/province/v1/identity/face-compare", json=body, headers=headers)
    stage.events()
    return stage.pushed


def _from(push):
    headers = {name.lower(): value for name, value in push.headers.items()}
    return Inbound("province", "events", push.method, PATH, "", headers, push.body)


@pytest.mark.parametrize("skew_s", [-300, -299, 0, 299, 300])
def test_the_window_is_open(skew_s):
    assert verify(inbound(skew_s=skew_s)).event_id == "E2"


@pytest.mark.parametrize("skew_s", [-301, 301, -86400, 86400])
def test_the_window_is_shut_in_both_directions(skew_s):
    with pytest.raises(Forged) as forged:
        verify(inbound(skew_s=skew_s))
    assert forged.value.reason == "window"


def test_an_old_callback_replayed_is_refused_by_its_time():
    old = inbound()
    with pytest.raises(Forged):
        verify(Inbound(**(vars(old) | {"received_at": NOW + timedelta(seconds=301)})))


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "another secret"},
        {"secret": ""},
        {"app_id": "other"},
        {"path": "/callbacks/province/other"},
        {"query": "x=1"},
        {"method": "PUT"},
        {"body": json.dumps(CASE | {"seq": 18}).encode()},
        {"body": b""},
        {"headers": {"x-pcb-signature": ""}},
        {"headers": {"x-pcb-signature": "签名"}},
        {"headers": {"x-pcb-signature": "0" * 64}},
        {"headers": {"x-pcb-key": "another key"}},
        {"headers": {"x-pcb-key": ""}},
        {"headers": {"x-pcb-nonce": "n-0002"}},
        {"headers": {"x-pcb-nonce": ""}},
        {"headers": {"x-pcb-timestamp": "0"}},
        {"headers": {"x-pcb-timestamp": ""}},
        {"raw": json.dumps(FACE | {"pad": "A" * 20000}).encode()},
    ],
)
def test_forgeries(change):
    with pytest.raises(Forged):
        verify(inbound(**change))


def test_garbage_is_not_even_parsed_before_the_signature():
    with pytest.raises(Forged):
        verify(inbound(raw=b"[" * 5000, secret="wrong"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"[" * 5000,
        b'{"eventId":"E","eventId":"F","type":"case.state"}',
        b'{"eventId":NaN}',
        b"\xff\xfe{}",
        *(
            json.dumps(event).encode()
            for event in (
                {},
                *(
                    {name: value for name, value in CASE.items() if name != gone}
                    for gone in ("eventId", "type", "at", "seq", "caseNo", "data")
                ),
                *(CASE | {"eventId": bad} for bad in (None, "", 0, [], {}, "x" * 65, "E 1", "E\n", "É")),
                *(
                    CASE | {"type": bad}
                    for bad in (None, "", 0, [], {}, "CASE.STATE", "case", "case.state.x", "case.state\n")
                ),
                *(CASE | {"at": bad} for bad in (None, "", "1700000000000", -1, 1.5, True, [], 2**62)),
                *(CASE | {"seq": bad} for bad in (None, "", "17", -1, 1.5, True, [])),
                *(CASE | {"caseNo": bad} for bad in (None, "", 0, [], {}, "x" * 65, "a b", "a\n", "办件")),
                *(CASE | {"data": bad} for bad in (None, "", 0, [])),
                *(FACE | {"data": bad} for bad in (None, {}, [], {"refId": ""}, {"refId": 1}, {"refId": "a b"})),
            )
        ),
    ],
)
def test_signed_and_unreadable(raw):
    with pytest.raises(Malformed):
        verify(inbound(raw=raw))


def test_a_face_image_never_comes_in():
    jpeg = "/9j/" + "A" * 200_000
    with pytest.raises(Forged) as forged:
        verify(inbound(FACE | {"data": {"refId": "fc1", "image": jpeg}}))
    assert forged.value.reason == "size"


def test_without_a_configured_secret_no_callback_is_believed(monkeypatch):
    bare = get_settings().model_copy(
        update={
            "province_callback_key_id": "",
            "province_callback_secret": type(get_settings().province_callback_secret)(""),
        }
    )
    monkeypatch.setattr("app.platforms.province.callbacks.get_settings", lambda: bare)
    with pytest.raises(Forged):
        verify(inbound(secret="", headers={"x-pcb-key": ""}))
