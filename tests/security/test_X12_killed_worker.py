"""X12, P5: a web worker is killed; the same key reaches the service no second time."""

import contextlib
import threading

import pytest
from sqlalchemy import text

from app.core.db import ALL_TENANTS, transaction
from tests.support.citizen_steps import APP
from tests.support.gateway import APPLY, manifest, publish
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, trust, upstream
from tests.support.served import serving
from tests.support.wait import until

__all__ = ["citizen", "gateway_app", "gateway_world", "trust", "upstream"]

KEY = "key-00000001"


@pytest.fixture
def writing(upstream) -> str:
    """A write that tells the service nothing of the citizen: the killed process has no fake province to ask."""
    document = manifest(upstream.url()[:-1], operations=[APPLY], fields=[], identity="none")
    return publish(document)


def press(served, service_id: str, token: str) -> tuple[int, dict, bytes]:
    headers = {
        "X-App": APP, "Authorization": f"Bearer {token}", "Idempotency-Key": KEY, "Content-Type": "application/json",
    }  # fmt: skip
    return served.ask("POST", f"/v1/services/{service_id}/call/cards", b'{"reason":"LOST"}', headers)


def press_in_vain(served, service_id: str, token: str) -> None:
    with contextlib.suppress(OSError):
        press(served, service_id, token)


def test_X12_after_the_answer(citizen, upstream, writing, tmp_path):
    phone = citizen(at=3)
    with serving(tmp_path, upstream.authority) as served:
        first = press(served, writing, phone.token)
        assert first[0] == 200, first
        served.kill_workers()
        until(served.is_up, "the successor answers")
        again = press(served, writing, phone.token)
    assert (again[0], again[2]) == (200, first[2])
    assert again[1]["Idempotent-Replay"] == "true"
    assert len(upstream.requests) == 1


def test_X12_in_the_middle_of_the_call(citizen, upstream, writing, tmp_path):
    phone = citizen(at=3)
    release = threading.Event()
    upstream.scripts[:] = [lambda _wire: release.wait(60)]
    with serving(tmp_path, upstream.authority) as served:
        lost = threading.Thread(target=press_in_vain, args=(served, writing, phone.token))
        lost.start()
        until(lambda: upstream.requests, "the service has the request")
        served.kill_workers()
        release.set()
        lost.join()
        until(served.is_up, "the successor answers")
        assert b'"still_running"' in press(served, writing, phone.token)[2]
        with transaction(ALL_TENANTS) as db:  # a minute later
            db.execute(text("UPDATE idempotency_keys SET lease_until = lease_until - interval '2 minutes'"))
        late = press(served, writing, phone.token)
    assert (late[0], b'"outcome_unknown"' in late[2]) == (504, True)
    assert len(upstream.requests) == 1
