"""X9: one dead service takes no thread from the others: a cap on what is under way, then a pause.

The figure (another service's p99) is taken in the bench; here the cause: a call over the cap is refused without being
sent, and a service that stays silent is not even asked for a while.
"""

import threading

from tests.support.gateway import call, impatient, plain_manifest, publish
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, plain, trust, upstream
from tests.support.upstreams import running
from tests.support.wait import until

__all__ = ["citizen", "gateway_app", "gateway_world", "plain", "trust", "upstream"]


def test_X9_a_call_over_the_cap_is_refused_at_once_and_another_service_answers(citizen, trust, upstream, plain):
    release = threading.Event()
    with running(lambda _wire: release.wait(30)) as hanging:
        trust(upstream, hanging)
        document = plain_manifest(hanging.url()[:-1], slug="hanging")
        document["upstream"]["concurrency"] = 2
        stuck = publish(document)
        phones = [citizen(f"openid-{n}") for n in range(4)]
        threads = [threading.Thread(target=call, args=(phone, stuck, "GET", "/cards/1")) for phone in phones[:2]]
        for thread in threads:
            thread.start()
        until(lambda: len(hanging.requests) == 2, "both calls are under way")
        over = call(phones[2], stuck, "GET", "/cards/1")
        assert (over.status_code, over.json["code"]) == (503, "upstream_unavailable")
        assert int(over.headers["Retry-After"]) >= 1
        assert call(phones[3], plain, "GET", "/cards/1").status_code == 200
        assert len(hanging.requests) == 2
        release.set()
        for thread in threads:
            thread.join()


def test_X9_after_five_silences_it_is_left_alone(citizen, trust, upstream, plain):
    with running(lambda _wire: None) as hanging:
        trust(upstream, hanging)
        stuck = publish(impatient(plain_manifest(hanging.url()[:-1], slug="hanging")))
        phone = citizen()
        first = call(phone, stuck, "GET", "/cards/1")
        assert (first.status_code, first.json["code"]) == (504, "upstream_timeout")
        for _ in range(4):
            call(phone, stuck, "GET", "/cards/1")
        asked = len(hanging.requests)
        answer = call(phone, stuck, "GET", "/cards/1")
        assert (answer.status_code, answer.json["code"]) == (503, "upstream_unavailable")
        assert len(hanging.requests) == asked == 5
        assert call(phone, plain, "GET", "/cards/1").status_code == 200
