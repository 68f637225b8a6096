"""L1: a login code gives one session, however often and however fast it is posted."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from app.core import kv
from tests.support.citizen_steps import unique

COPIES = 100


def test_a_hundred_posts_of_one_code_give_one_session_and_one_exchange(phone, world, rows):
    code = unique("openid-a.code")
    phones = [phone("openid-a", log_in=False) for _ in range(COPIES)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda caller: caller.log_in(code), phones))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 401: COPIES - 1}
    assert {answer.json["code"] for answer in answers if answer.status_code == 401} == {"code_refused"}
    assert world.calls["exchange"] == 1
    assert rows("SELECT count(*) FROM sessions") == [(1,)]


def test_a_replay_after_success_is_refused_even_with_redis_emptied(phone, world):
    code = unique("openid-a.code")
    caller = phone("openid-a", log_in=False)
    assert caller.log_in(code).status_code == 201
    for key in kv.client().scan_iter("tb:*"):
        kv.client().delete(key)
    assert caller.log_in(code).status_code == 401
    assert world.calls["exchange"] == 1


def test_the_code_itself_is_not_kept(phone, rows):
    code = unique("openid-a.code")
    phone("openid-a", log_in=False).log_in(code)
    assert code not in str(rows("SELECT * FROM login_codes"))
