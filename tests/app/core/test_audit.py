"""Recording, sealing, anchoring. What tampering looks like to the verifier is in tests/security/test_D6_audit.py."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import ProgrammingError

from app.core import audit, clock, db
from app.core.audit import anchors, chain
from app.core.audit.chain import ChainRow
from app.core.audit.entries import AuditEntry, PendingEntry
from app.core.errors import Problem


@pytest.fixture(autouse=True)
def anchor_file(db_clean, tmp_path, monkeypatch):
    path = tmp_path / "audit" / "anchors.jsonl"
    monkeypatch.setattr(anchors, "file", lambda: path)
    return path


def record(n=1, tenant=db.PROVINCE):
    made = []
    for number in range(n):
        with db.transaction(tenant) as session:
            made.append(
                audit.record(
                    session, actor="st_1", act="case.file", object_id=f"cs_{number}", outcome="done",
                    detail={"n": number, "text": "无", "yes": True, "none": None},
                )
            )  # fmt: skip
    return made


def count(model):
    with db.transaction("*") as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def test_a_row_lives_and_dies_with_its_transaction():
    with pytest.raises(LookupError), db.transaction() as session:
        audit.record(session, actor="a", act="b.c", object_id="o", outcome="done")
        raise LookupError
    assert count(AuditEntry) == count(PendingEntry) == 0


def test_sealing_gives_every_row_a_place_once():
    made = record(5)
    assert audit.seal_pending() == 5
    assert audit.seal_pending() == 0
    with db.transaction("*") as session:
        rows = session.scalars(select(ChainRow).order_by(ChainRow.seq)).all()
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    assert [row.entry_id for row in rows] == made
    assert rows[0].prev_hash == chain.GENESIS
    assert [row.prev_hash for row in rows[1:]] == [row.hash for row in rows[:-1]]
    assert audit.verify_chain() == audit.Verdict(ok=True, rows=5, anchors=0)


def test_sealing_goes_on_in_batches(monkeypatch):
    monkeypatch.setattr(chain, "BATCH", 3)
    record(8)
    assert audit.seal_pending() == 8
    record(1)
    assert audit.seal_pending() == 1
    assert audit.verify_chain().rows == 9


def test_rows_of_every_tenant_share_the_chain():
    record(2)
    record(2, tenant="org_1")
    assert audit.seal_pending() == 4
    assert audit.verify_chain().ok


def test_many_sealers_at_once_make_one_chain():
    record(40)
    threads = [threading.Thread(target=audit.seal_pending) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    audit.seal_pending()
    assert audit.verify_chain() == audit.Verdict(ok=True, rows=40, anchors=0)


def test_pages_of_the_verifier_meet(monkeypatch):
    monkeypatch.setattr("app.core.audit.verify.PAGE", 4)
    record(9)
    audit.seal_pending()
    assert audit.verify_chain().rows == 9


@pytest.mark.parametrize("table", ["audit_entries", "audit_chain", "audit_anchors"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET tenant_id = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_application_can_only_insert(table, statement):
    record()
    audit.seal_pending()
    audit.anchor()
    with pytest.raises(ProgrammingError, match="permission denied"), db.transaction("*") as session:
        session.execute(text(statement.format(table)))


def test_anchoring_waits_until_it_is_due(anchor_file):
    assert not audit.anchor()
    record(2)
    audit.seal_pending()
    assert audit.anchor()
    record(1)
    audit.seal_pending()
    assert not audit.anchor()
    assert audit.anchor(force=True)
    assert not audit.anchor(force=True)  # nothing new
    assert [made.seq for made in anchors.in_file()] == [2, 3]
    assert all(made.is_genuine for made in anchors.in_file())
    assert anchor_file.stat().st_mode & 0o007 == 0


def test_anchoring_is_due_after_ten_minutes_or_ten_thousand_rows(monkeypatch):
    record(1)
    audit.seal_pending()
    audit.anchor()
    record(2)
    audit.seal_pending()
    assert not audit.anchor()
    monkeypatch.setattr(anchors, "EVERY_ROWS", 2)
    assert audit.anchor()
    record(1)
    audit.seal_pending()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=11))
    assert audit.anchor()


def test_an_anchor_that_could_not_be_written_is_not_claimed(monkeypatch, tmp_path):
    (tmp_path / "blocked").write_text("a file where a folder is needed")
    monkeypatch.setattr(anchors, "file", lambda: tmp_path / "blocked" / "audit" / "anchors.jsonl")
    record()
    audit.seal_pending()
    with pytest.raises(OSError, match="Not a directory"):
        audit.anchor()
    assert count(anchors.AuditAnchor) == 0
    anchors.anchor_audit()  # the job logs it and lives


def stopped():
    with pytest.raises(Problem) as caught, db.transaction("org_1") as session:
        audit.require_anchored(session)
    return (caught.value.code, int(caught.value.headers["Retry-After"]) > 0) == ("unavailable", True)


def goes_on():
    with db.transaction("org_1") as session:  # a tenant that sees no row of the chain
        audit.require_anchored(session)
    return True


def later(monkeypatch, **delta):
    moment = clock.now() + timedelta(**delta)
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_privileged_acts_stop_when_anchoring_failed_for_four_hours(monkeypatch):
    record()
    audit.seal_pending()
    assert goes_on()
    later(monkeypatch, hours=3, minutes=59)
    assert goes_on()
    later(monkeypatch, minutes=2)
    assert stopped()
    audit.anchor()
    assert goes_on()


def test_a_quiet_system_does_not_stop(monkeypatch):
    assert goes_on()
    record()
    audit.seal_pending()
    audit.anchor()
    later(monkeypatch, days=3)
    assert goes_on()


def test_a_sealer_that_stands_still_stops_them_too(monkeypatch):
    record()
    later(monkeypatch, hours=5)
    assert stopped()


def test_an_anchor_row_with_a_foreign_signature_does_not_count():
    record()
    audit.seal_pending()
    with db.transaction("*") as session:
        session.execute(
            anchors.insert(anchors.AuditAnchor).values(
                seq=99, tenant_id="province", hash="0" * 64, anchored_at=clock.now(), mac="0" * 64
            )
        )
    assert stopped()


def test_a_row_waiting_for_its_seal_is_reported_after_five_seconds(monkeypatch):
    record()
    assert audit.verify_chain() == audit.Verdict(ok=True, rows=0, anchors=0)
    later(monkeypatch, seconds=-6)
    record()
    assert audit.verify_chain() == audit.Verdict(ok=False, rows=0, anchors=0, unsealed=1)


def test_losing_the_work_list_hides_nothing(monkeypatch):
    later(monkeypatch, seconds=-6)
    record(2)
    with db.transaction("*") as session:
        session.execute(delete(PendingEntry))
    audit.seal_pending()
    assert audit.verify_chain().unsealed == 2


def test_the_work_list_may_be_touched_by_the_application():
    record()
    with db.transaction("*") as session:
        session.execute(update(PendingEntry).values(at=clock.now()))
