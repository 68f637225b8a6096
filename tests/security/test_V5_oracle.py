"""V5: the real-name check tells nobody which names and numbers belong together."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core import kv
from app.core.errors import NotSent
from config.assurance import ACCOUNT_FAILURES, TARGET_FAILURES
from tests.support.citizen_steps import ELDER, LI, WANG

WRONG = ("李错", LI[1])


def ready(phone, openid, **options):
    caller = phone(openid, **options)
    caller.consent("real_name")
    return caller


def test_every_kind_of_no_is_one_body(phone, world):
    world.deceased.add(ELDER[1])
    world.people.pop(WANG)
    kinds = {"wrong name": WRONG, "wrong number": (LI[0], WANG[1]), "unknown": WANG, "deceased": ELDER}
    bodies, heads = set(), set()
    for number, person in enumerate(kinds.values()):
        answer = ready(phone, f"openid-{number}").real_name(person)
        assert answer.status_code == 422
        body = answer.json
        del body["request_id"]
        bodies.add(str(body))
        heads.add(tuple(sorted(name for name, _ in answer.headers)))
    assert len(bodies) == len(heads) == 1
    assert "identity_not_matched" in bodies.pop()


def test_twenty_accounts_probing_one_number_ask_the_authority_five_times(phone, world):
    phones = [ready(phone, f"openid-{n}") for n in range(20)]
    answers = [caller.real_name((f"李{n}", LI[1])) for n, caller in enumerate(phones)]
    assert world.calls["two_factor"] == TARGET_FAILURES
    assert Counter(answer.status_code for answer in answers) == {422: 5, 429: 15}
    late = answers[-1]
    assert late.json["code"] == "verification_limit"
    assert 0 < int(late.headers["Retry-After"]) <= 24 * 3600
    assert [way["method"] for way in late.json["methods"]] == ["face", "counter"]


def test_probing_all_at_once_does_not_help(phone, world):
    phones = [ready(phone, f"openid-{n}") for n in range(20)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda pair: pair[1].real_name((f"李{pair[0]}", LI[1])), enumerate(phones)))
    assert world.calls["two_factor"] == TARGET_FAILURES
    assert Counter(answer.status_code for answer in answers) == {422: 5, 429: 15}


def test_one_account_may_fail_five_times_in_six_hours(phone, world, old):
    caller = ready(phone, "openid-a")
    numbers = [LI[1], WANG[1], ELDER[1], LI[1], WANG[1], ELDER[1]]
    answers = [caller.real_name(("无名", number)).status_code for number in numbers]
    assert answers == [422] * ACCOUNT_FAILURES + [429]
    for key in kv.client().scan_iter("tb:*"):
        kv.client().delete(key)
    assert caller.real_name(LI).status_code == 429  # an emptied Redis forgives nothing
    old("real_name_attempts", "at", 6 * 3600 + 1)
    assert caller.real_name(LI).status_code == 201


def test_the_number_is_free_again_after_a_day(phone, world, old):
    for n in range(TARGET_FAILURES):
        ready(phone, f"openid-{n}").real_name((f"李{n}", LI[1]))
    owner = ready(phone, "openid-owner")
    assert owner.real_name(LI).status_code == 429
    old("real_name_attempts", "at", 24 * 3600 + 1)
    assert owner.real_name(LI).status_code == 201


def test_strangers_cannot_shut_out_an_owner_already_at_l2(phone, world):
    owner = phone("openid-owner").to_l2(LI)
    for n in range(TARGET_FAILURES + 3):
        ready(phone, f"openid-{n}").real_name((f"李{n}", LI[1]))
    assert owner.real_name(LI).status_code == 201
    assert owner.start_face()


def test_the_owners_own_slips_are_not_counted_against_the_number(phone):
    owner = phone("openid-owner").to_l2(LI)
    for _ in range(TARGET_FAILURES):
        assert owner.real_name(WRONG).status_code == 422
    assert ready(phone, "openid-second").real_name(LI).status_code == 201


def test_an_outage_counts_for_nobody(phone, world):
    caller = ready(phone, "openid-a")
    world.trouble["two_factor"] = NotSent("refused")
    assert [caller.real_name(LI).status_code for _ in range(7)] == [503] * 7
    world.trouble.clear()
    assert caller.real_name(LI).status_code == 201


def test_refusals_are_written_to_the_audit_without_the_pair(phone, rows):
    caller = ready(phone, "openid-a")
    caller.real_name(WRONG)
    found = rows("SELECT actor, act, detail FROM audit_entries WHERE act = 'verification.failed'")
    assert len(found) == 1
    assert found[0][2]["reason"] == "not_matched"
    assert LI[1] not in str(found)


@pytest.mark.parametrize("person", [LI, WRONG])
def test_every_answer_waits_for_the_same_grid(phone, world, monkeypatch, person):
    waits = []
    monkeypatch.setattr("identity.real_name.time.sleep", waits.append)
    ready(phone, "openid-a").real_name(person)
    assert len(waits) == 1
