"""Fixtures of the catalogue's tests: an app with its rooms, and a province whose list a test can write."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask

from app import factory
from app.core import db
from app.core.errors import OutboundError, PlatformError
from app.platforms import registry
from app.platforms.base import CasePage
from tests.support.servers import Servers


def item(code: str = "11990000MB0000001M2992014012001", **changes: Any) -> dict[str, Any]:
    """As app/platforms/province hands an item on."""
    return {
        "code": code, "basic_code": code[19:], "name": "社会保障卡补领", "aliases": ["社保卡丢了", "补社保卡"], "type": "20",
        "version": "3", "org": {"uscc": "11990000MB0000001M", "name": "示例省人社厅"}, "level": "2",
        "region": "990000000000", "objects": ["person"], "case_type": "PROMISED", "legal_limit": {"n": 20, "unit": "WD"},
        "promise_limit": {"n": 5, "unit": "WD"}, "visits": 0, "forms": ["ONLINE"], "online": "IV",
        "charge": {"has": False}, "min_level": "L3", "supports": {"pay": False}, "themes": ["person.work"],
        "status": "ACTIVE",
    } | changes  # fmt: skip


@dataclass
class ListedProvince:
    """Serves `items` under `version`, two a page, and counts; `trouble` is raised instead."""

    items: list[dict[str, Any]] = field(default_factory=lambda: [item()])
    version: str = "c1"
    regions: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"code": "990000000000", "parent": "", "name": "示例省", "level": "province"},
            {"code": "990100000000", "parent": "990000000000", "name": "示例一市", "level": "city"},
        ]
    )
    trouble: OutboundError | PlatformError | None = None
    asked: list[str] = field(default_factory=list)

    def _asked(self, what: str) -> None:
        assert not db.in_transaction()
        self.asked.append(what)
        if self.trouble is not None:
            raise self.trouble

    def catalogue_version(self) -> str:
        self._asked("version")
        return self.version

    def list_items(self, version: str, cursor: str | None, limit: int) -> CasePage:
        self._asked("items")
        assert limit <= 500
        assert version == self.version
        start = int(cursor or 0)
        end = start + 2
        return CasePage(tuple(self.items[start:end]), str(end) if end < len(self.items) else None)

    def list_regions(self) -> tuple[dict[str, Any], ...]:
        self._asked("regions")
        return tuple(self.regions)

    def guide(self, item_code: str) -> dict[str, Any]:
        self._asked("guide")
        return {"code": item_code, "conditions": ["材料齐全"]}


@pytest.fixture(scope="session")
def catalogue_app() -> Flask:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "ROOMS", ("identity", "handlers.catalogue"))
        return factory.create_app()  # not a yield: the list of rooms must be whole again for the next app


@pytest.fixture
def province(catalogue_app: Flask, db_clean: Servers, monkeypatch: pytest.MonkeyPatch) -> ListedProvince:
    made = ListedProvince()
    monkeypatch.setattr(registry, "province", lambda: made)
    return made
