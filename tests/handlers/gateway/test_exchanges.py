"""Evidence in batches: whole, bounded, kept through an outage, refused when there is no more room."""

import threading

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from app.core import clock
from app.core.db import ALL_TENANTS, transaction
from app.core.errors import Problem
from app.core.ids import new_id
from handlers.gateway import exchanges
from handlers.gateway.exchanges import Batch, Row
from handlers.gateway.models import Exchange
from tests.support.citizen_steps import APP
from tests.support.served import serving
from tests.support.wait import until


def row(**changes) -> Row:
    return Row(
        new_id("ex"), "acme", "sv_1", 1, "ac_1", "GET", "/cards/{n}", "ANSWERED", "", 200, "1:a", "1:b", clock.now(), 12, "", "r",
    )._replace(**changes)  # fmt: skip


def stored() -> list[Exchange]:
    with transaction(ALL_TENANTS) as db:
        return list(db.scalars(select(Exchange).order_by(Exchange.id)))


@pytest.fixture
def batch(gateway_world) -> Batch:
    return Batch()


def test_rows_arrive_whole_without_being_asked_for(batch):
    given = [row(upstream_status=None, elapsed_ms=None), row(reason="garbled", tenant_id="globex")]
    for one in given:
        batch.add(one)
    until(lambda: len(stored()) == 2, "the thread has written")
    assert [tuple(getattr(one, name) for name in Row._fields) for one in stored()] == sorted(given)


def test_an_outage_of_the_database_loses_nothing(batch, monkeypatch):
    write = exchanges._write

    def down(_rows: object) -> None:
        raise OperationalError("", {}, Exception())

    monkeypatch.setattr(exchanges, "_write", down)
    batch.add(row())
    assert batch.flush() == 0
    monkeypatch.setattr(exchanges, "_write", write)
    batch.add(row())
    until(lambda: len(stored()) == 2, "both are written")


def test_without_room_for_evidence_nothing_passes(batch, monkeypatch):
    monkeypatch.setattr(exchanges, "ROOM", 2)
    monkeypatch.setattr(Batch, "flush", lambda _self: 0)
    batch.add(row())
    batch.add(row())
    with pytest.raises(Problem) as refused:
        batch.add(row())
    assert (refused.value.code, refused.value.headers["Retry-After"]) == ("evidence_full", "5")
    batch._rows.clear()  # its thread lives on and would write them into the next test


def test_many_threads_write_each_row_once(batch):
    def add() -> None:
        for _ in range(200):
            batch.add(row())

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: len(stored()) == 1600, "all are written")


def test_a_closed_row_does_not_move_again(gateway_world):
    with transaction(ALL_TENANTS) as db:
        db.add(Exchange(**row(outcome="UNKNOWN", reason="worker_lost")._asdict()))
    (one,) = stored()
    exchanges.closed(one.id, exchanges.Heard("ANSWERED", status=200))
    assert [(found.outcome, found.reason) for found in stored()] == [("UNKNOWN", "worker_lost")]


def test_the_sweep_leaves_what_may_still_be_under_way(gateway_world):
    with transaction(ALL_TENANTS) as db:
        db.add(Exchange(**row(outcome="SENDING")._asdict()))
        db.add(Exchange(**row(outcome="ANSWERED")._asdict()))
        db.execute(text("UPDATE exchanges SET started_at = now() - interval '5 minutes' WHERE outcome = 'ANSWERED'"))
    assert exchanges.sweep() == 0
    with transaction(ALL_TENANTS) as db:
        db.execute(text("UPDATE exchanges SET started_at = now() - interval '3 minutes'"))
    assert exchanges.sweep() == 1
    assert sorted(one.outcome for one in stored()) == ["ANSWERED", "UNKNOWN"]


def test_a_worker_that_is_told_to_stop_writes_what_waits(citizen, upstream, plain, tmp_path):
    phone = citizen()
    with serving(tmp_path, upstream.authority) as served:
        for _ in range(5):
            headers = {"X-App": APP, "Authorization": f"Bearer {phone.token}"}
            assert served.ask("GET", f"/v1/services/{plain}/call/cards/1", headers=headers)[0] == 200
    assert len(stored()) == 5
