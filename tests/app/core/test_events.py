import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from app.core import db, events
from app.core.ids import new_id

pytestmark = pytest.mark.usefixtures("db_clean")


@pytest.fixture
def handlers(monkeypatch):
    """Subscriptions of this test only."""
    table: dict = {}
    monkeypatch.setattr(events, "_handlers", table)
    return table


def _emit(tenant: str = db.PROVINCE) -> str:
    with db.transaction(tenant) as session:
        return events.emit(session, "thing.happened", "th_1", {"count": 3})


def _states() -> list[tuple[str, str]]:
    with db.transaction(db.ALL_TENANTS) as session:
        rows = session.execute(select(events.OutboxDelivery.subscriber, events.OutboxDelivery.state))
        return sorted((name, state) for name, state in rows)


def _due_now() -> None:
    with db.transaction(db.ALL_TENANTS) as session:
        session.execute(update(events.OutboxDelivery).values(next_at=None))


def test_each_subscriber_gets_the_event_once(handlers):
    seen = []
    events.subscribe("thing.happened", "one", lambda _db, event: seen.append(("one", event.subject_id, event.data)))
    events.subscribe("thing.happened", "two", lambda _db, event: seen.append(("two", event.subject_id, event.data)))
    _emit()
    events.deliver_events()
    events.deliver_events()
    assert sorted(seen) == [("one", "th_1", {"count": 3}), ("two", "th_1", {"count": 3})]
    assert _states() == [("one", "done"), ("two", "done")]


def test_the_effect_and_its_being_done_are_one_commit(handlers):
    def half(session, _event):
        events.emit(session, "effect.made", "ef_1")
        raise ValueError("breaks after its effect")

    events.subscribe("thing.happened", "one", half)
    _emit()
    events.deliver_events()
    with db.transaction() as session:
        assert session.scalars(select(events.OutboxEvent.type)).all() == ["thing.happened"]
    assert _states() == [("one", "waiting")]


def test_a_broken_subscriber_is_retried_and_does_not_stop_the_other(handlers):
    tries, seen = [], []

    def flaky(_session, event):
        tries.append(event.id)
        if len(tries) == 1:
            raise ValueError("first time")

    events.subscribe("thing.happened", "a_flaky", flaky)
    events.subscribe("thing.happened", "b_well", lambda _db, event: seen.append(event.id))
    _emit()
    events.deliver_events()
    assert len(seen) == 1
    _due_now()
    events.deliver_events()
    assert _states() == [("a_flaky", "done"), ("b_well", "done")]
    assert len(tries) == 2


def test_a_hopeless_delivery_is_parked(handlers, monkeypatch):
    monkeypatch.setattr(events, "PARK_AFTER", 2)

    def broken(_session, _event):
        raise ValueError("always")

    events.subscribe("thing.happened", "one", broken)
    _emit()
    for _ in range(3):
        events.deliver_events()
        _due_now()
    assert _states() == [("one", "parked")]


def test_a_handler_runs_in_the_events_tenant(handlers):
    seen = []
    events.subscribe("thing.happened", "one", lambda session, _event: seen.append(db.tenant_of(session)))
    _emit("og_a")
    events.deliver_events()
    assert seen == ["og_a"]


def test_one_delivery_a_subscriber_is_the_databases_rule_too(handlers):
    events.subscribe("thing.happened", "one", lambda _db, _event: None)
    event = _emit()
    with pytest.raises(IntegrityError), db.transaction() as session:
        session.execute(
            text(
                "INSERT INTO outbox_deliveries (id, tenant_id, event_id, subscriber, state, n) VALUES (:i, 'province', :e, 'one', 'waiting', 0)"
            ),
            {"i": new_id("ed"), "e": event},
        )


def test_a_name_is_subscribed_once(handlers):
    events.subscribe("thing.happened", "one", lambda _db, _event: None)
    with pytest.raises(ValueError, match="already"):
        events.subscribe("thing.happened", "one", lambda _db, _event: None)
