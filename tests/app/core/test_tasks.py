import pytest

from app.core import db, tasks

pytestmark = pytest.mark.usefixtures("db_clean")


@pytest.fixture
def sent(monkeypatch):
    calls = []
    monkeypatch.setattr(tasks.celery, "send_task", lambda name, **options: calls.append((name, options["args"])))
    return calls


def test_a_wake_up_waits_for_the_commit(sent):
    with db.transaction() as session:
        tasks.wake(session, "deliver_events")
        assert sent == []
    assert sent == [("tongban.deliver_events", ())]


def test_a_rolled_back_transaction_wakes_nobody(sent):
    with pytest.raises(ValueError, match="stop"), db.transaction() as session:
        tasks.wake(session, "deliver_events")
        raise ValueError("stop")
    assert sent == []


def test_a_broker_that_is_down_loses_no_commit(monkeypatch):
    def down(*_args, **_options):
        raise ConnectionRefusedError

    monkeypatch.setattr(tasks.celery, "send_task", down)
    with db.transaction() as session:
        tasks.wake(session, "deliver_events")


def test_every_swept_job_is_in_beats_table():
    schedule = tasks.configure().conf.beat_schedule
    assert schedule["deliver_events"]["schedule"] == 2
    assert set(schedule) == {job.name for job in tasks.JOBS.values() if job.every_s is not None}


def test_only_json_is_accepted_from_the_broker():
    assert tasks.configure().conf.accept_content == ["json"]


def test_an_unknown_queue_is_refused():
    with pytest.raises(ValueError, match="unknown queue"):
        tasks.job("x", queue="fast")


def test_one_transaction_wakes_a_job_once(sent):
    with db.transaction() as session:
        for _ in range(500):  # a page of a catalogue tells of as many items
            tasks.wake(session, "deliver_events")
        tasks.wake(session, "deliver_events", "x")
    assert sent == [("tongban.deliver_events", ()), ("tongban.deliver_events", ("x",))]
