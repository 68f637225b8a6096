import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from app.core import clock, db, events

pytestmark = pytest.mark.usefixtures("db_clean")


def _event(tenant: str, name: str) -> None:
    with db.transaction(tenant) as session:
        events.emit(session, name, "x")


def _types(tenant: str) -> list[str]:
    with db.transaction(tenant) as session:
        return sorted(session.scalars(select(events.OutboxEvent.type)))


def test_the_suite_connects_as_the_role_app_that_cannot_bypass_row_security():
    with db.transaction() as session:
        row = session.execute(
            text("SELECT current_user, rolbypassrls, rolsuper FROM pg_roles WHERE rolname = current_user")
        ).one()
    assert tuple(row) == ("tb_app", False, False)


def test_a_tenant_sees_only_its_own_rows():
    _event("og_a", "a.happened")
    _event("og_b", "b.happened")
    assert _types("og_a") == ["a.happened"]
    assert _types("og_b") == ["b.happened"]
    assert _types(db.ALL_TENANTS) == ["a.happened", "b.happened"]


def test_a_query_outside_a_transaction_sees_nothing():
    _event("og_a", "a.happened")
    with db.engine().connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM outbox_events")).scalar_one() == 0


def test_writing_for_another_tenant_is_refused_by_the_database():
    row = {"id": "ev_x", "tenant_id": "og_b", "type": "t", "subject_id": "x", "data": {}, "created_at": clock.now()}
    with pytest.raises(ProgrammingError), db.transaction("og_a") as session:
        session.execute(insert(events.OutboxEvent).values(**row))


def test_the_tenant_does_not_stay_on_the_pooled_connection():
    _event("og_a", "a.happened")
    for _ in range(5):
        with db.engine().connect() as connection:
            assert connection.execute(text("SELECT current_setting('tb.tenant', true)")).scalar_one() in ("", None)


def test_nesting_is_refused():
    with db.transaction(), pytest.raises(RuntimeError, match="already open"), db.transaction():
        pass


def test_an_exception_rolls_back_and_runs_nothing_after():
    ran: list[str] = []
    with pytest.raises(ValueError, match="stop"), db.transaction() as session:
        events.emit(session, "a.happened", "x")
        db.after_commit(session, lambda: ran.append("after"))
        raise ValueError("stop")
    assert _types(db.PROVINCE) == []
    assert ran == []


def test_after_commit_runs_once_the_row_is_visible_to_others():
    seen: list[list[str]] = []
    with db.transaction() as session:
        events.emit(session, "a.happened", "x")
        db.after_commit(session, lambda: seen.append(_types(db.PROVINCE)))
        assert seen == []
    assert seen == [["a.happened"]]


def test_the_outbox_is_insert_only_for_the_app():
    _event(db.PROVINCE, "a.happened")
    for statement in ("UPDATE outbox_events SET type = 'b'", "DELETE FROM outbox_events"):
        with pytest.raises(ProgrammingError), db.transaction() as session:
            session.execute(text(statement))


def test_an_error_never_prints_its_parameters():
    with pytest.raises(DBAPIError) as caught, db.transaction() as session:
        session.execute(text("SELECT CAST(:value AS integer)"), {"value": "canary-990101199003070015"})
    assert "hide_parameters" in str(caught.value)


def test_what_fails_after_the_commit_neither_undoes_it_nor_stops_the_rest():
    done = []

    def fail():
        raise ConnectionError

    with db.transaction() as session:
        events.emit(session, "kept.anyway", "x")
        db.after_commit(session, fail)
        db.after_commit(session, lambda: done.append("tombstone"))
    assert _types("province") == ["kept.anyway"]
    assert done == ["tombstone"]


def test_what_is_purged_goes_in_portions_that_commit_by_themselves(monkeypatch):
    monkeypatch.setattr(db, "PURGE_BATCH", 2)
    with db.transaction() as session:
        event = events.emit(session, "nobody.listens", "x")
        for index in range(5):
            row = {"id": f"ed_{index}", "tenant_id": "province", "event_id": event, "subscriber": f"s{index}"}
            session.execute(insert(events.OutboxDelivery).values(**row, state="done" if index else "waiting", n=0))
    begun, real = [], db.transaction
    with monkeypatch.context() as counted:
        counted.setattr(db, "transaction", lambda tenant: begun.append(tenant) or real(tenant))
        assert db.purge(events.OutboxDelivery, events.OutboxDelivery.state == "done") == 4
    assert begun == [db.ALL_TENANTS] * 3
    with db.transaction() as session:
        assert session.scalars(select(events.OutboxDelivery.id)).all() == ["ed_0"]


def test_a_server_that_went_silent_does_not_hold_a_thread_for_ever():
    """statement_timeout is the server's own and says nothing when the server is gone behind a dropped route."""
    with db.engine().connect() as connection:
        told = connection.connection.driver_connection.info.get_parameters()
    assert (told["connect_timeout"], told["tcp_user_timeout"]) == ("5", "15000")
