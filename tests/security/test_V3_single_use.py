"""V3: one pass, one effect, however many want it at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from app.core import db
from identity import face_checks, sessions, tasks, verification
from tests.support.citizen_steps import LI

CONSUMERS = 200


def test_two_hundred_consumers_of_one_pass_make_one_act(phone, rows):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face(purpose="act", service_id="sv_1")
    caller.world.face_says(verification_id)
    caller.world.authority_says(verification_id)
    caller.finish(verification_id)
    caller.finish(verification_id)
    who = sessions.principal_of(caller.token)

    def consume(number: int) -> bool:
        with db.transaction() as session:
            return verification.spend(session, who, verification_id, matter_id="sv_1", act=f"act-{number}")

    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(consume, range(CONSUMERS))) == {True: 1, False: CONSUMERS - 1}
    assert rows(
        "SELECT count(*) FROM audit_entries WHERE act = 'verification.consumed' AND object_id = :i", i=verification_id
    ) == [(1,)]


def test_a_level_is_gained_once_whoever_asks(phone, world, rows, old):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    world.face_says(verification_id)
    caller.finish(verification_id)
    world.authority_says(verification_id)
    acts = [lambda: face_checks.advance(verification_id), tasks.ask_about_faces] * 20
    old("verification_polls", "next_at", 60)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result()
    assert rows("SELECT count(*) FROM evidence WHERE level = 3") == [(1,)]
    assert rows(
        "SELECT count(*) FROM audit_entries WHERE act = 'verification.passed' AND object_id = :i", i=verification_id
    ) == [(1,)]
    assert rows("SELECT count(*) FROM outbox_events WHERE type = 'account.verified'") == [(2,)]


def test_the_database_itself_refuses_a_second_evidence_row(phone, rows):
    phone().to_l3(LI)
    assert rows("SELECT count(*), count(DISTINCT verification_id) FROM evidence") == [(2, 2)]
    assert rows("SELECT 1 FROM pg_constraint WHERE conname = 'evidence_verification_id_key' AND contype = 'u'")
