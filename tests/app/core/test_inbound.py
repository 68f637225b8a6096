"""The callback pipeline with a stand-in for a platform's verify; the platforms' own checks are tested beside them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import NoResultFound

from app.core import db, events, inbound
from app.core.inbound import Forged, Inbound, InboundEvent, Malformed

pytestmark = pytest.mark.usefixtures("db_clean")

AT = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)


@dataclass
class Happened:
    event_id: str = "e1"
    nonce: str = "n1"
    kind: str = "case_state"
    data: dict = field(default_factory=lambda: {"case_no": "990101", "seq": 2**60})
    occurred_at: datetime = AT
    reply: bytes = b"success"
    reply_type: str = "text/plain"


def came(body=b"{}", app_id="events", platform="province"):
    return Inbound(platform, app_id, "POST", f"/callbacks/{platform}/{app_id}", "a=b", {"x": "y"}, body)


def accept(event, body=b"{}", **where):
    return inbound.receive(came(body, **where), lambda _inbound: event)


def rows():
    with db.transaction() as session:
        return list(session.scalars(select(InboundEvent).order_by(InboundEvent.id)))


def emitted():
    with db.transaction() as session:
        return list(session.scalars(select(events.OutboxEvent).order_by(events.OutboxEvent.id)))


def test_an_accepted_callback_is_kept_told_and_answered():
    reply = accept(Happened(reply=b'{"ok":true}', reply_type="application/json"), b"raw body")
    assert (reply.status, reply.body, reply.content_type) == (200, b'{"ok":true}', "application/json")
    (row,) = rows()
    assert (row.source, row.event_id, row.nonce, row.kind) == ("province/events", "e1", "n1", "case_state")
    (event,) = emitted()
    assert (event.type, event.subject_id) == ("callback.case_state", row.id)
    assert event.data == {"platform": "province", "app_id": "events"}


def test_the_subscriber_reads_the_data():
    accept(Happened())
    (row,) = rows()
    with db.transaction() as session:
        assert inbound.read(session, row.id) == {"case_no": "990101", "seq": 2**60}
        with pytest.raises(NoResultFound):
            inbound.read(session, "in_none")


def test_nothing_of_the_content_rests_in_the_open(servers):
    accept(Happened(data={"openid": "canary-openid"}, reply=b"canary-reply"), b"canary-body")
    with db.transaction() as session:
        dump = session.execute(
            text("SELECT (inbound_events.*)::text || (outbox_events.*)::text FROM inbound_events, outbox_events")
        ).scalar_one()
    assert "canary" not in dump


def test_ignored_events_are_kept_and_not_told():
    assert accept(Happened(kind="ignored")).status == 200
    assert len(rows()) == 1
    assert emitted() == []


@pytest.mark.parametrize("reason", ["signature", "stale", "app", "nonce"])
def test_every_forgery_gets_one_answer_and_leaves_nothing(reason):
    def forged(_inbound):
        raise Forged(reason)

    reply = inbound.receive(came(), forged)
    assert reply == inbound.REFUSED
    assert reply.status == 403
    assert rows() == emitted() == []


@pytest.mark.parametrize("reason", ["json", "xml", "field"])
def test_every_malformed_one_gets_one_answer(reason):
    def malformed(_inbound):
        raise Malformed(reason)

    assert inbound.receive(came(), malformed) == inbound.NOT_UNDERSTOOD
    assert inbound.NOT_UNDERSTOOD.status == 400
    assert rows() == []


def test_too_large_is_refused_before_anybody_looks():
    def looked(_inbound):
        pytest.fail("verify was asked")

    assert inbound.receive(came(bytes(inbound.MAX_BODY + 1)), looked).status == 413
    assert accept(Happened(), bytes(inbound.MAX_BODY)).status == 200


def test_a_bug_in_verify_is_not_swallowed():
    def bug(_inbound):
        raise LookupError

    with pytest.raises(LookupError):
        inbound.receive(came(), bug)


def test_success_is_not_answered_when_the_commit_fails(monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("disk full")

    monkeypatch.setattr(events, "emit", fail)
    with pytest.raises(RuntimeError):
        accept(Happened())
    assert rows() == []
    monkeypatch.undo()
    assert accept(Happened()).status == 200  # the platform's retry is the first
    assert len(emitted()) == 1


def test_apps_and_platforms_do_not_share_ids_or_nonces():
    for where in ({"platform": "wechat", "app_id": "wx1"}, {"platform": "wechat", "app_id": "wx2"}, {}):
        assert accept(Happened(), b"same", **where).status == 200
    assert len(rows()) == len(emitted()) == 3


def test_events_without_a_nonce_do_not_collide():
    assert accept(Happened("e1", nonce=""), b"1").status == accept(Happened("e2", nonce=""), b"2").status == 200
    assert [row.nonce for row in rows()] == [None, None]


def test_files_are_left_out(monkeypatch):
    """V8: whatever looks like a picture is not kept, in the envelope or in the data."""
    sealed = []
    seal = inbound.crypto.seal
    monkeypatch.setattr(inbound.crypto, "seal", lambda plain, **place: sealed.append(plain) or seal(plain, **place))
    picture = "/9j/" + "A" * 20_000
    accept(Happened(data={"a": [{"photo": picture}], "b": "kept"}), b'{"photo":"' + picture.encode() + b'"}')
    assert not any(b"AAAAAAAA" in plain for plain in sealed)
    (row,) = rows()
    with db.transaction() as session:
        assert inbound.read(session, row.id) == {"a": [{"photo": "[20004 characters left out]"}], "b": "kept"}
    sealed.clear()
    accept(Happened("e2", "n2"), b"\xff\xd8\xff\xe0 jpeg")
    assert not any(b"\xff\xd8\xff" in plain for plain in sealed)
