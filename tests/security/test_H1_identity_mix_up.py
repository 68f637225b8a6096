"""Never another citizen's answer (performance.md part 1, H1-h): the service echoes whose ticket it was given.

Many citizens over many threads of a real gunicorn, from a cold start, while connections to the service, to Redis and
the workers themselves are dropped. Any answer is right or is a refusal; none is somebody else's.
"""

import http.client
import json
import os
import signal
import threading

import redis

from app.core import kv
from config.settings import get_settings
from tests.support.citizen_steps import APP, LI, WANG, Phone
from tests.support.gateway import manifest, plain_manifest, publish
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, trust
from tests.support.served import Served, serving
from tests.support.upstream import Received, speaking

__all__ = ["citizen", "gateway_app", "gateway_world", "trust"]

CITIZENS = 24
ROUNDS = 40
READ = {"method": "GET", "path": "/echo/{who}", "write": False}


def echo(seen: Received) -> dict[str, str]:
    return {"path": seen.target, "request": seen.header("X-Request-Id")}


def headers(phone: Phone, request_id: str) -> dict[str, str]:
    return {"X-App": APP, "Authorization": f"Bearer {phone.token}", "X-Request-Id": request_id}


class Crowd:
    """Each citizen asks for its own name again and again and keeps what was not its own."""

    def __init__(self, served: Served, service_id: str, phones: list[Phone]) -> None:
        self.wrong: list[str] = []
        self.right = 0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._ask, args=(served, service_id, n, phone)) for n, phone in enumerate(phones)
        ]

    def _ask(self, served: Served, service_id: str, n: int, phone: Phone) -> None:
        for turn in range(ROUNDS):
            request_id = f"who-{n:04d}-{turn:04d}"
            path = f"/v1/services/{service_id}/call/echo/c{n}"
            try:
                status, got, body = served.ask("GET", path, headers=headers(phone, request_id))
            except (OSError, ValueError, http.client.HTTPException):
                continue  # the worker died under it; nobody was told anything
            self._judge(f"/ebus/cards/echo/c{n}", request_id, status, got, json.loads(body))

    def _judge(self, path: str, request_id: str, status: int, got: dict[str, str], body: dict) -> None:
        mine = got.get("X-Request-Id") == request_id
        if status == 200:
            mine = mine and body == {"data": {"path": path, "request": request_id}}
        with self._lock:
            self.right += status == 200
            if not mine:
                self.wrong.append(f"{request_id}: {status} {got} {body}")

    def run(self, disturb) -> None:
        for thread in self._threads:
            thread.start()
        while any(thread.is_alive() for thread in self._threads):
            disturb()
            self._threads[0].join(0.3)
        for thread in self._threads:
            thread.join()


def drop_redis_clients() -> None:
    """Every connection to Redis dies in the middle of whatever it was saying."""
    with redis.Redis.from_url(get_settings().redis_url.get_secret_value()) as admin:
        admin.client_kill_filter(_type="normal", skipme=True)
    kv.client().connection_pool.disconnect()


def test_H1_no_answer_is_another_citizen_s(citizen, trust, tmp_path):
    with speaking(echo, drop_every=17) as upstream:
        trust(upstream)
        service_id = publish(plain_manifest(upstream.url()[:-1], operations=[READ]))
        phones = [citizen(f"openid-{n}") for n in range(CITIZENS)]
        with serving(tmp_path, upstream.authority, workers=2, threads=8) as served:
            crowd = Crowd(served, service_id, phones)
            turns = iter(range(10_000))

            def disturb() -> None:
                turn = next(turns)
                drop_redis_clients()
                if turn in {4, 12}:
                    os.kill(served.workers()[0], signal.SIGKILL)

            crowd.run(disturb)
    assert crowd.wrong == []
    assert crowd.right > CITIZENS


def test_H1_a_ticket_goes_with_its_own_citizen(citizen, trust, gateway_app, gateway_world):
    """In this process, where the fake province issues tickets: twenty threads, two citizens, one service."""

    def whose(seen: Received) -> dict[str, str]:
        return {"ticket": seen.header("X-Subject-Token"), "name": seen.json["subject"]["name"], "of": seen.json["of"]}

    with speaking(whose) as upstream:
        trust(upstream)
        service_id = publish(manifest(upstream.url()[:-1]))
        phones = {
            name: citizen(f"openid-{at}", at=3, who=who) for at, (name, who) in enumerate((("li", LI), ("wang", WANG)))
        }
        for phone in phones.values():
            phone.consent(f"service:{service_id}")
        wrong: list[object] = []

        def ask(name: str, person: tuple[str, str], n: int) -> None:
            for turn in range(3):
                client = Phone(gateway_app.test_client(), gateway_world, "", token=phones[name].token)
                answer = client.send(
                    "POST",
                    f"/v1/services/{service_id}/call/cards",
                    {"of": name},
                    Idempotency_Key=f"key-{name}-{n}-{turn}",
                )
                told = answer.json.get("data", {})
                if answer.status_code == 200 and (
                    told["name"] != person[0] or told["of"] != name or f"subject-{name}-" not in told["ticket"]
                ):
                    wrong.append(told)

        threads = [
            threading.Thread(target=ask, args=(name, who, n))
            for name, who in (("li", LI), ("wang", WANG))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert len(upstream.requests) > 16
