"""Fixtures for what citizens get: an app with identity, notifications, cases and the callbacks' door, and a full cast."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import factory
from app.core import db, events
from app.platforms import registry
from handlers.cases import pull, submit
from identity import real_name
from notifications import deliver, templates
from tests.support.citizen_steps import ELDER, LI, WANG, Phone, unique
from tests.support.citizen_world import CitizenWorld
from tests.support.servers import Servers

ROOMS = ("identity", "identity.staff_room", "notifications", "handlers.cases", "handlers.callbacks")
ITEM = "11990000MB0000001M2992014012001"
ITEM_NAME = "社会保障卡补领"
REGION = "990000000000"
PROGRESS = "TB-case-progress-00000000000000000000000000"
NOTICE = "TB-notice-000000000000000000000000000000000"
TEMPLATES = Path(__file__).resolve().parents[2] / "config" / "templates" / "sandbox.json"

Rows = Callable[..., list[Any]]
Mini = Callable[..., Phone]


@pytest.fixture(scope="session")
def citizen_app() -> Flask:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "ROOMS", ROOMS)
        return factory.create_app()  # not a yield: the list of rooms must be whole again for the next app


@pytest.fixture
def town(citizen_app: Flask, db_clean: Servers, monkeypatch: pytest.MonkeyPatch) -> CitizenWorld:
    """Fake platforms behind the registry; the sandbox's templates loaded; one L3 item and one L2 item open."""
    made = CitizenWorld({LI: "subject-li", WANG: "subject-wang", ELDER: "subject-elder"})
    for capability in ("login", "face", "messages"):
        monkeypatch.setattr(registry, capability, lambda _channel: made)
    monkeypatch.setattr(registry, "province", lambda: made)
    monkeypatch.setattr(real_name, "ANSWER_GRID_S", 0.001)
    templates.load(TEMPLATES.read_bytes(), actor="test")
    item(ITEM, min_level="L3")
    item("99-l2", min_level="L2")
    run_events()
    return made


def item(
    code: str, *, name: str = ITEM_NAME, version: str = "3", min_level: str = "L3", status: str = "ACTIVE"
) -> None:
    """The catalogue says an item is new or has changed."""
    with db.transaction() as session:
        told = {"version": version, "name": name, "min_level": min_level, "status": status}
        events.emit(session, "item.changed", code, told)


@pytest.fixture
def mini(citizen_app: Flask, town: CitizenWorld) -> Mini:
    """`mini("openid")` is a mini-program logged in; `mini("openid", LI, 3)` one that proved to be Li at L3."""

    def make(openid: str = "openid-a", person: tuple[str, str] | None = None, level: int = 1) -> Phone:
        made = Phone(citizen_app.test_client(), town, openid)
        assert made.log_in().status_code == 201
        if level == 2:
            made.to_l2(person or LI)
        if level == 3:
            made.to_l3(person or LI)
        return made

    return make


@pytest.fixture
def rows(db_clean: Servers) -> Rows:
    """`rows(sql, **values)`: what the database holds, as the application sees it."""

    def query(sql: str, **values: object) -> list[Any]:
        with db.transaction(db.ALL_TENANTS) as session:
            found = session.execute(text(sql), values)
            return list(found) if found.returns_rows else []

    return query


def run_events() -> None:
    while events.deliver_due():
        pass


def run_all() -> None:
    """Every job that is due, until nothing is due: what the workers would do by themselves."""
    for _ in range(20):
        if not any([events.deliver_due(), submit.submit_next(), pull.pull_next(), deliver.deliver_due()]):
            return
    raise AssertionError("the jobs never came to rest")


def file_case(phone: Phone, code: str = ITEM, key: str | None = None, **body: Any) -> Any:
    """POST /v1/cases as the mini-program does it."""
    whole = {"item_code": code, "accept_region": REGION, "form": {"reason": "LOST"}} | body
    return phone.send("POST", "/v1/cases", whole, Idempotency_Key=key or unique("case"))


def filed(phone: Phone, code: str = ITEM) -> str:
    """The id of a case just filed."""
    answer = file_case(phone, code)
    assert answer.status_code == 201, answer.json
    return str(answer.json["case_id"])


def accept(phone: Phone, template: str = PROGRESS, times: int = 1, answer: str = "accept") -> Any:
    """The subscribe pop-up, reported by the mini-program."""
    for _ in range(times):
        told = phone.send("POST", "/v1/me/grants", {"answers": {template: answer}}, Idempotency_Key=unique("grant"))
        assert told.status_code == 200, told.json
    return told.json


def code_of(answer: Any) -> str:
    return str(json.loads(answer.data)["code"])
