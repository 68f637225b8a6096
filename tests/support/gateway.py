"""Services and citizens for tests of the gateway: manifests, published versions, phones at a level."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete

from app.core import approvals, http
from app.core.db import ALL_TENANTS, transaction
from app.platforms.base import Ticket
from handlers.gateway import breaker, exchanges, registration, registry
from handlers.gateway.models import Exchange, ItemFloor
from tests.support import outbound, staff
from tests.support.citizen_steps import LI, Phone
from tests.support.fake_platforms import FakeWorld
from tests.support.upstreams import Upstream

OWNER = "11990000MB0000001M"
ITEM = "11990000MB0000001M2992014012001"
REGION = "990000000000"
CARD = {"method": "GET", "path": "/cards/{card_no}", "write": False, "identity": "none", "query": ["page", "q"]}
APPLY = {"method": "POST", "path": "/cards", "write": True}


IMPATIENT = {"connect_s": 1, "first_byte_s": 1, "total_s": 2}  # for what never answers


def impatient(document: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the shortest timeouts there are."""
    return document | {"upstream": document["upstream"] | {"timeouts": IMPATIENT}}


class GatewayWorld(FakeWorld):
    """The fake province, which also issues tickets and counts them."""

    def issue_ticket(self, subject_id: str, target_app: str) -> Ticket:
        self.reached("issue_ticket")
        return Ticket(f"ticket-{subject_id}-{target_app}-{self.calls['issue_ticket']}")


def manifest(base_url: str = "https://cards.example.gov.cn", **changes: Any) -> dict[str, Any]:
    """A manifest that passes, with members replaced."""
    return {
        "slug": "card-replace",
        "name": {"zh": "社会保障卡补领", "en": "Replace a lost social security card"},
        "owner": OWNER,
        "contact": "示例省人社厅信息中心 12345",
        "item_codes": [ITEM],
        "regions": [REGION],
        "channels": ["wechat"],
        "entry": "api",
        "upstream": {
            "base_url": base_url, "path_prefix": "/ebus/cards", "scheme": "tif", "credential": "province",
            "audience": "cards", "timeouts": {"connect_s": 5, "first_byte_s": 15, "total_s": 30},
        },
        "operations": [CARD, APPLY],
        "min_level": "L3",
        "fields": [{"name": "name", "purpose": "制卡"}, {"name": "id_number", "purpose": "核对参保信息"}],
        "identity": "ticket",
        "face_alternative": ["counter"],
        "security_promise": True,
        "impact_assessment": "PIA-2026-001",
    } | changes  # fmt: skip


def plain_manifest(base_url: str, **changes: Any) -> dict[str, Any]:
    """Reads that tell the service nothing of the citizen; L1 as far as the manifest goes."""
    return manifest(
        base_url,
        **{"operations": [CARD], "identity": "none", "fields": [], "min_level": "L1", "slug": "card-state"} | changes,
    )


def publish(document: dict[str, Any], *, floor: str = "L1") -> str:
    """Register by an integrator, approve by a second person; the id of the live service."""
    level(document["item_codes"][0], floor)
    version = registration.register_manifest(staff.person("integrator").principal(), document)
    approve(version.approval_id)
    return version.service_id


def approve(approval_id: str | None, by: staff.Person | None = None) -> None:
    approver = (by or staff.person("approver")).principal()
    with transaction(ALL_TENANTS) as db:
        asked = approvals.get(db, approval_id or "")
        approvals.approve(db, asked.id, approver, asked.payload_hash)


def level(item_code: str, floor: str) -> None:
    """As if the catalogue had told it."""

    with transaction() as db:
        db.merge(ItemFloor(code=item_code, tenant_id="province", min_level=floor, status="ACTIVE", event_id="ev"))
    registry.forget()


def call(phone: Phone, service_id: str, method: str, path: str, body: Any = None, **headers: str):
    return phone.send(method, f"/v1/services/{service_id}/call{path}", body, **headers)


def start(monkeypatch: pytest.MonkeyPatch, *upstreams: Upstream) -> None:
    """Trust these loopback upstreams, forget what earlier tests taught the process."""
    outbound.admit(monkeypatch, *(one.authority for one in upstreams))
    http.forget()
    registry.forget()
    breaker.forget()
    exchanges.BATCH.flush()  # what the last test left waiting would land in this one's table
    with transaction(ALL_TENANTS) as db:
        db.execute(delete(Exchange))


MakeCitizen = Callable[..., Phone]


def citizen(app: Flask, world: FakeWorld, openid: str = "openid-a", *, at: int = 1, who: tuple[str, str] = LI) -> Phone:
    """A mini-program logged in, proved up to a level."""
    phone = Phone(app.test_client(), world, openid)
    assert phone.log_in().status_code == 201
    if at == 2:
        phone.to_l2(who)
    elif at == 3:
        phone.to_l3(who)
    return phone
