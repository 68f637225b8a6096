"""Fixtures for tests of the identity room: an app with that room alone, fake platforms, phones."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from app import factory
from app.core import clock, db
from app.platforms import registry
from identity import real_name
from tests.support.citizen_steps import ELDER, LI, MINOR, WANG, Phone
from tests.support.fake_platforms import FakeWorld
from tests.support.servers import Servers

MakePhone = Callable[..., Phone]


@pytest.fixture(scope="session")
def identity_app() -> Flask:
    """The app with the identity room alone, so that other rooms cannot colour its tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "ROOMS", ("identity",))
        return factory.create_app()  # not a yield: the list of rooms must be whole again for the next app


@pytest.fixture
def world(db_clean: Servers, monkeypatch: pytest.MonkeyPatch) -> FakeWorld:
    """Fake platforms behind the registry, and no waiting for the grid of time."""
    made = FakeWorld({LI: "subject-li", WANG: "subject-wang", MINOR: "subject-minor", ELDER: "subject-elder"})
    for capability in ("login", "face"):
        monkeypatch.setattr(registry, capability, lambda _channel: made)
    monkeypatch.setattr(registry, "province", lambda: made)
    monkeypatch.setattr(real_name, "ANSWER_GRID_S", 0.001)
    return made


@pytest.fixture
def phone(identity_app: Flask, world: FakeWorld) -> MakePhone:
    """`phone("openid")` is a mini-program already logged in."""

    def make(openid: str = "openid-a", *, log_in: bool = True, **options: str) -> Phone:
        made = Phone(identity_app.test_client(), world, openid, **options)
        if log_in:
            assert made.log_in().status_code == 201
        return made

    return make


@pytest.fixture
def rows(db_clean: Servers) -> Callable[..., list]:
    """`rows(sql, **values)`: what the database holds, as the application sees it."""

    def query(sql: str, **values: object) -> list:
        with db.transaction(db.ALL_TENANTS) as session:
            found = session.execute(text(sql), values)
            return list(found) if found.returns_rows else []

    return query


@pytest.fixture
def old(rows: Callable[..., list]) -> Callable[..., None]:
    """`old("sessions", "idle_until", seconds)`: move an instant of every row into the past."""

    def move(table: str, column: str, seconds: float) -> None:
        with db.transaction(db.ALL_TENANTS) as session:
            moved = text(f"UPDATE {table} SET {column} = {column} - make_interval(secs => :s)")  # noqa: S608  our own words
            session.execute(moved, {"s": seconds})

    return move


@pytest.fixture
def time_machine_at() -> Iterator[Callable[[float], None]]:
    """`time_machine_at(seconds)`: this process's clock that far ahead, until the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda seconds: stack.enter_context(
            time_machine.travel(clock.now() + timedelta(seconds=seconds), tick=True)
        )


__all__ = ["identity_app", "old", "phone", "rows", "time_machine_at", "world"]
