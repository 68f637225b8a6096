"""The registry in memory: reloaded when something was announced, when Redis is away, when it was emptied."""

import pytest
import redis
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core import clock, events, kv
from app.core.db import ALL_TENANTS, transaction
from app.core.errors import Problem
from app.core.ids import new_id
from handlers.gateway import announcements, floors, registry
from handlers.gateway.registry import Registry
from tests.support.gateway import ITEM, level, plain_manifest, publish


@pytest.fixture
def loads(monkeypatch, gateway_world):
    counted: list[int] = []
    load = registry.load

    def counting():
        counted.append(1)
        return load()

    monkeypatch.setattr(registry, "load", counting)
    return counted


@pytest.fixture
def copy(loads) -> Registry:
    made = Registry()
    made.services()
    loads.clear()
    return made


@pytest.fixture
def later(monkeypatch):
    """Move the monotonic clock on."""
    shift = [0.0]
    real = clock.monotonic
    monkeypatch.setattr(clock, "monotonic", lambda: real() + shift[0])

    def move(seconds: float) -> None:
        shift[0] += seconds

    return move


def announce() -> None:
    with transaction() as db:
        announcements.changed(db)


def test_within_two_seconds_nobody_is_asked(copy, loads, monkeypatch):
    monkeypatch.setattr(announcements, "version", lambda: pytest.fail("asked"))
    copy.services()
    assert loads == []


def test_later_only_an_announcement_reloads(copy, loads, later):
    later(3)
    copy.services()
    assert loads == []
    kv.client().set(announcements.VERSION_KEY, "another process changed something", ex=60)
    later(3)
    copy.services()
    assert len(loads) == 1


def test_one_s_own_change_is_seen_at_once(copy, loads):
    announce()
    copy.services()
    assert len(loads) == 1


def test_a_change_that_was_rolled_back_is_not_announced(copy, loads):
    with pytest.raises(OSError, match="no"), transaction() as db:
        announcements.changed(db)
        raise OSError("no")
    copy.services()
    assert loads == []


def test_an_emptied_redis_means_another_look(copy, loads, later):
    kv.client().delete(announcements.VERSION_KEY)
    later(3)
    copy.services()
    assert len(loads) == 1
    later(3)
    copy.services()
    assert len(loads) == 1


def test_without_redis_sql_is_asked_every_two_seconds(copy, loads, later, monkeypatch):
    def down() -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(kv, "client", down)
    for _ in range(3):
        later(3)
        copy.services()
        copy.services()
    assert len(loads) == 3


@pytest.mark.parametrize("error", [OperationalError("", {}, Exception()), PoolTimeoutError()])
def test_without_the_database_the_last_copy_serves(copy, later, monkeypatch, error):
    def away() -> dict:
        raise error

    monkeypatch.setattr(registry, "load", away)
    announce()
    assert copy.services() == {}
    fresh = Registry()
    with pytest.raises(Problem, match="unavailable"):
        fresh.services()


def test_an_unknown_service_is_asked_for_at_once_and_nonsense_is_not(copy, loads):
    assert copy.find(new_id("sv")) is None
    kv.client().set(announcements.VERSION_KEY, "changed elsewhere", ex=60)
    assert copy.find("nonsense") is None
    assert loads == []
    assert copy.find(new_id("sv")) is None
    assert len(loads) == 1


def test_the_key_it_keeps_in_redis_has_an_end(copy):
    announce()
    assert kv.client().ttl(announcements.VERSION_KEY) > 0


def test_a_manifest_that_is_no_longer_valid_is_off_and_the_others_are_on(gateway_world):
    bad = publish(plain_manifest("https://one.example.gov.cn"))
    good = publish(plain_manifest("https://two.example.gov.cn", slug="another-card"))
    with transaction(ALL_TENANTS) as db:
        db.execute(
            text("UPDATE service_versions SET manifest = manifest - 'owner' WHERE service_id = :id"), {"id": bad}
        )
    registry.forget()
    assert [service.id for service in registry.listed()] == [good]


# ---- the floor an item sets --------------------------------------------------------------------------------------


def hear(code: str, min_level: str) -> None:
    with transaction() as db:
        data = {"version": "1", "name": "x", "min_level": min_level, "status": "ACTIVE"}
        floors.hear(db, events.Event(new_id("ev"), "item.changed", "province", code, data, clock.now()))


@pytest.mark.parametrize(
    ("floor", "own", "needed"), [("L1", "L1", 1), ("L3", "L1", 3), ("L0", "L2", 2), ("L2", "L3", 3)]
)
def test_the_higher_of_item_and_manifest_holds(gateway_world, floor, own, needed):
    service_id = publish(
        plain_manifest("https://c.example.gov.cn", min_level=own, face_alternative=["counter"]), floor=floor
    )
    assert registry.find(service_id).level == needed


def test_an_item_nobody_told_of_counts_as_the_highest(gateway_world):
    service_id = publish(plain_manifest("https://c.example.gov.cn"))
    with transaction(ALL_TENANTS) as db:
        db.execute(text("DELETE FROM item_floors"))
    registry.forget()
    assert registry.find(service_id).level == 3


def test_what_the_catalogue_says_is_heard_at_once_and_old_news_is_not(gateway_world):
    service_id = publish(plain_manifest("https://c.example.gov.cn"))
    old = events.Event("ev_0", "item.changed", "province", ITEM, {"min_level": "L1", "status": "ACTIVE"}, clock.now())
    hear(ITEM, "L2")
    assert registry.find(service_id).level == 2
    with transaction() as db:
        floors.hear(db, old)
    assert registry.find(service_id).level == 2
    hear(ITEM, "L1")
    assert registry.find(service_id).level == 1


def test_the_helper_for_tests_and_the_event_write_the_same(gateway_world):
    level(ITEM, "L2")
    with transaction() as db:
        assert floors.levels(db) == {ITEM: 2}
