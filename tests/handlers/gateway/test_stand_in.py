"""The demo's service against the province's stand-in: real tickets, real signatures, the journal as witness."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.db import transaction
from app.platforms import registry as platforms
from app.platforms.province.authority import AUTHORITY
from config.settings import get_settings
from handlers.catalogue import sync as syncing
from handlers.catalogue.items import item
from handlers.gateway import registration
from tests.support import gateway, staff
from tests.support.citizen_steps import LI
from tests.support.gateway import call

MANIFEST = Path(__file__).parents[3] / "docs/examples/social-security-card.manifest.json"
EXECUTED = "social-security.card-replacement"


class SandboxAddress:
    """Stands where an Upstream would: what may be called."""

    def __init__(self) -> None:
        self.authority = f"127.0.0.1:{get_settings().sandbox_port}"


@pytest.fixture
def province(sandbox, gateway_world, monkeypatch):
    """The real client of the province for tickets and lists; who people are stays the fake's word."""

    class Both:
        def __getattr__(self, name: str) -> object:
            real = {"issue_ticket", "catalogue_version", "list_items", "list_regions", "guide", "two_factor"}
            return getattr(AUTHORITY if name in real else gateway_world, name)

    monkeypatch.setattr(platforms, "province", Both)
    gateway.start(monkeypatch, SandboxAddress())
    return sandbox


@pytest.fixture
def service_id(province) -> str:
    document = json.loads(MANIFEST.read_text("utf-8"))
    document["upstream"]["base_url"] = get_settings().sandbox_base_url
    gateway.level(document["item_codes"][0], "L3")
    version = registration.register_manifest(staff.person("integrator").principal(), document)
    gateway.approve(version.approval_id)
    return version.service_id


@pytest.fixture
def phone(citizen, service_id):
    made = citizen(at=3, who=LI)
    assert made.consent(f"service:{service_id}").status_code == 201
    return made


def executed(sandbox) -> list[dict]:
    return [entry for entry in sandbox.journal(EXECUTED) if entry["check"] == "executed"]


def test_a_card_is_replaced_once_and_its_state_read(province, service_id, phone):
    assert call(phone, service_id, "GET", "/card/status").json["data"]["state"] == "NORMAL"
    write = {"reason": "LOST", "delivery": "WINDOW"}
    first = call(phone, service_id, "POST", "/card/replacements", write, Idempotency_Key="key-00000001")
    again = call(phone, service_id, "POST", "/card/replacements", write, Idempotency_Key="key-00000001")
    assert first.status_code == 200, first.json
    assert first.json == again.json
    number = first.json["data"]["replacementNo"]
    assert call(phone, service_id, "GET", f"/card/replacements/{number}").json["data"]["state"] == "ACCEPTED"
    assert call(phone, service_id, "GET", "/card/status").json["data"]["state"] == "REPLACING"
    (once,) = executed(province)
    assert once["facts"]["fields"]["subject"] == {"name": LI[0]}


def test_the_department_s_refusal_is_told_by_its_word(province, service_id, phone):
    answer = call(phone, service_id, "POST", "/card/replacements", {"reason": "BORED"}, Idempotency_Key="key-00000001")
    assert (answer.status_code, answer.json["upstream_code"]) == (422, "40001")
    missing = call(phone, service_id, "GET", "/card/replacements/SBK0000000000")
    assert (missing.status_code, missing.json["upstream_code"]) == (422, "40401")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("execute-then-reset", 504, "outcome_unknown"),
        ("half-body", 504, "outcome_unknown"),
        ("bad-json", 504, "outcome_unknown"),
    ],
)
def test_executed_and_lost_is_executed_once(province, service_id, phone, fault, status, code):
    province.fault(fault, "/ebus/social-security/card/replacements", count=1)
    for _ in range(2):
        answer = call(
            phone, service_id, "POST", "/card/replacements", {"reason": "LOST"}, Idempotency_Key="key-00000001"
        )
        assert (answer.status_code, answer.json["code"]) == (status, code)
    assert len(executed(province)) <= 1


def test_the_bundled_catalogue_is_synced_whole(province):
    done = syncing.sync()
    assert done.items > 600
    assert done.unreadable == 0
    found = item("11990000MB0000001M2992014012001")
    assert (found.name, found.min_level) == ("社会保障卡补领", "L3")
    with transaction() as db:
        assert db.execute(text("SELECT count(*) FROM regions")).scalar_one() > 10
