"""The sync: one version whole, twice the same, removed items suspended, others told."""

import pytest
from sqlalchemy import select, text

from app.core import db, leases
from app.core.errors import NotSent, PlatformBusy
from app.core.events import OutboxEvent
from handlers.catalogue import sync as syncing
from handlers.catalogue import tasks
from handlers.catalogue.models import CatalogueSync, Item, Region
from tests.handlers.catalogue.conftest import item

CODES = [f"11990000MB0000001M299201401200{n}" for n in range(1, 6)]


def stored() -> dict[str, tuple[str, str]]:
    with db.transaction() as session:
        return {row.code: (row.status, row.synced_in) for row in session.scalars(select(Item))}


def told() -> list[tuple[str, dict]]:
    with db.transaction() as session:
        events = session.scalars(select(OutboxEvent).where(OutboxEvent.type == "item.changed").order_by(OutboxEvent.id))
        return [(event.subject_id, event.data) for event in events]


def test_every_page_of_one_version_is_taken_and_told(province):
    province.items = [item(code) for code in CODES]
    done = syncing.sync()
    assert (done.version, done.items, done.changed, done.unreadable) == ("c1", 5, 5, 0)
    assert stored() == dict.fromkeys(CODES, ("ACTIVE", "c1"))
    assert told()[0] == (
        CODES[0], {"version": "3", "name": "社会保障卡补领", "min_level": "L3", "status": "ACTIVE"},
    )  # fmt: skip
    with db.transaction() as session:
        assert {region.code for region in session.scalars(select(Region))} == {"990000000000", "990100000000"}


def test_the_same_version_again_is_one_question(province):
    syncing.sync()
    province.asked.clear()
    assert syncing.sync().items == 0
    assert province.asked == ["version"]
    assert syncing.sync(force=True).items == 1
    assert len(told()) == 1


def test_only_what_changed_is_told(province):
    province.items = [item(code) for code in CODES]
    syncing.sync()
    province.version, province.items[1] = "c2", item(CODES[1], min_level="L2")
    province.items[2] = item(CODES[2], visits=1)  # of no concern to others
    assert syncing.sync().changed == 1
    assert told()[-1] == (CODES[1], {"version": "3", "name": "社会保障卡补领", "min_level": "L2", "status": "ACTIVE"})


def test_what_the_new_version_does_not_hold_is_suspended_and_may_come_back(province):
    province.items = [item(code) for code in CODES[:3]]
    syncing.sync()
    province.version, province.items = "c2", [item(CODES[0]), item(CODES[2])]
    syncing.sync()
    assert stored()[CODES[1]] == ("SUSPENDED", "c1")
    assert told()[-1][1]["status"] == "SUSPENDED"
    province.version, province.items = "c3", [item(code) for code in CODES[:3]]
    syncing.sync()
    assert stored()[CODES[1]] == ("ACTIVE", "c3")


def test_an_unreadable_item_is_left_out_and_counted(province):
    province.items = [item(CODES[0]), item(CODES[1], min_level="L9"), item(CODES[2])]
    assert syncing.sync().unreadable == 1
    assert set(stored()) == {CODES[0], CODES[2]}


def test_an_unreadable_list_of_regions_keeps_the_old_one(province):
    syncing.sync()
    province.version, province.regions = "c2", [{"code": "x", "name": "y"}]
    syncing.sync()
    with db.transaction() as session:
        assert len(session.scalars(select(Region)).all()) == 2


@pytest.mark.parametrize("trouble", [NotSent("connect"), PlatformBusy("province", "catalog.items")])
def test_an_outage_keeps_what_is_here_and_frees_the_turn(province, trouble):
    syncing.sync()
    province.version, province.trouble = "c2", trouble
    with pytest.raises(type(trouble)):
        syncing.sync()
    tasks.sync_catalogue()  # the job says so and goes on
    province.trouble = None
    assert syncing.sync().version == "c2"


def test_two_workers_do_not_mix_two_versions(province):
    held = syncing._claim()
    assert held is not None
    assert syncing.sync().version == ""
    assert province.asked == []


def test_a_worker_whose_turn_ran_out_writes_nothing_more(province, monkeypatch):
    province.items = [item(code) for code in CODES]
    ask = province.list_items

    def slow(version: str, cursor: str | None, limit: int):
        if cursor == "2":  # another worker takes over between two pages
            with db.transaction() as session:
                session.execute(text("UPDATE catalogue_sync SET lease_until = now() - interval '1 second'"))
                leases.claim(session, CatalogueSync, from_states=("idle",), to_state="running", limit=1, lease_s=60)
        return ask(version, cursor, limit)

    monkeypatch.setattr(province, "list_items", slow)
    assert syncing.sync().version == ""
    assert len(stored()) == 2


def test_a_catalogue_that_takes_hours_keeps_its_turn(province, monkeypatch):
    province.items = [item(code) for code in CODES]
    ask, others = province.list_items, []

    def slow(version: str, cursor: str | None, limit: int):
        with db.transaction() as session:  # each page takes two thirds of the lease
            session.execute(text("UPDATE catalogue_sync SET lease_until = lease_until - interval '600 seconds'"))
        others.append(syncing._claim())
        return ask(version, cursor, limit)

    monkeypatch.setattr(province, "list_items", slow)
    assert syncing.sync().version == "c1"
    assert others == [None] * len(others)
    assert len(others) > 2
