"""The whole app with somebody living in it: every room, the stand-ins on their port, and one object of every kind.

`settle(...)` walks citizen A, Li, through the public API until there is a session, a consent, a verification, a use, a
grant, an inbox entry, a case, a message, an approval, a version and a live service of theirs. Tests of many operations
at once (the fuzzing, the matrix of objects and callers) start from here.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.core import approvals, http, tasks
from app.core.db import ALL_TENANTS, transaction
from app.factory import create_app
from app.platforms import registry as platforms
from config.settings import get_settings
from handlers.catalogue import sync
from handlers.gateway import breaker, exchanges, registration, registry
from identity import real_name
from notifications import templates
from tests.support import staff
from tests.support.citizen_steps import LI, Phone, unique
from tests.support.fake_platforms import FakeWorld
from tests.support.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ROOT / "docs" / "examples" / "social-security-card.manifest.json"
TEMPLATES = ROOT / "config" / "templates" / "sandbox.json"
ITEM_NAME = "社会保障卡补领"
REGION = "990000000000"
STATUS = "status"
NOTICE = {"title": "办理提醒", "content": "请带好身份证。"}
ROLES = ("operator", "approver", "auditor", "support", "administrator", "integrator")
JOBS = ("deliver_events", "ask_about_faces", "submit_cases", "resolve_cases", "pull_cases", "deliver_messages")


@dataclass
class Town:
    """`objects`: path parameter -> id of A's object (`item`, `service_id`, `case_id`, ...)."""

    app: Flask
    sandbox: Sandbox
    people: dict[str, staff.Person] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)
    a: Phone = field(init=False, repr=False)

    def phone(self, user: str) -> Phone:
        """A mini-program of this synthetic person (`adult`, `other`, ...), logged in."""
        made = Phone(self.app.test_client(), FakeWorld(), "")
        answer = made.log_in(self.sandbox.control("POST", "wechat/codes", user=user)["code"])
        assert answer.status_code == 201, answer.json
        return made

    def rest(self) -> None:
        """Run every job and let callbacks arrive, a few times over."""
        for _ in range(4):
            for name in JOBS:
                tasks.JOBS[name].run()
            self.sandbox.settle()

    def to_l3(self, phone: Phone, person: tuple[str, str]) -> str:
        """By two-factor, face flow, face compare and the authority's callback; the id of the face verification."""
        phone.to_l2(person)
        assert phone.consent("face").status_code == 201
        started = phone.prove({"method": "face"})
        assert started.status_code == 201, started.json
        self.sandbox.control("POST", f"wechat/faces/{started.json['client']['verifyId']}/finish", outcome="pass")
        phone.finish(started.json["verification_id"])
        self.rest()
        phone.citizen_id = phone.me()["citizen_id"]
        assert phone.me()["level"] == "L3"
        return str(started.json["verification_id"])

    def approve(self, approval_id: str) -> None:
        approver = self.people["approver"].principal()
        with transaction(ALL_TENANTS) as db:
            approvals.approve(db, approval_id, approver, approvals.get(db, approval_id).payload_hash)

    def ask(self, role: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A call of a member of staff."""
        options = {} if body is None else {"json": body}
        given = self.people[role].headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client().open(path, method=method, headers=given, **options)


def _few(version: str) -> Iterator[list[Mapping[str, Any]]]:
    """A handful of the province's items, the one we need among them: seven hundred would only take time."""
    every = platforms.province().list_items(version, None, 500).rows
    yield [row for row in every if row["name"] == ITEM_NAME] + [row for row in every if row["name"] != ITEM_NAME][:4]


@pytest.fixture(scope="session")
def whole_app() -> Flask:
    return create_app()


@contextmanager
def living(app: Flask, sandbox: Sandbox) -> Iterator[Town]:
    """The app with its stand-ins' callbacks at its own door; nobody has moved in yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(real_name, "ANSWER_GRID_S", 0.001)
        patch.setattr(sync, "_pages", _few)
        http.forget()
        registry.forget()
        breaker.forget()
        exchanges.BATCH.flush()
        sandbox.call_back(app)
        yield Town(app, sandbox)


@pytest.fixture
def town(whole_app: Flask, db_clean: object, sandbox: Sandbox) -> Iterator[Town]:
    with living(whole_app, sandbox) as made:
        yield made


@pytest.fixture
def settled(town: Town) -> Town:
    """With Li at L3 and one object of every kind."""
    settle(town)
    return town


def settle(town: Town) -> None:
    templates.load(TEMPLATES.read_bytes(), actor="test")
    sync.sync(force=True)
    town.people = {role: staff.person(role) for role in ROLES}
    town.a = town.phone("adult")
    town.objects["verification_id"] = town.to_l3(town.a, LI)
    town.objects["session_id"] = _ok(town.a.send("GET", "/v1/sessions"))["items"][0]["id"]
    _publish(town)
    _call(town)
    _file(town)
    _message(town)
    town.objects["platform"], town.objects["app_id"] = town.a.app.split("/")


def _ok(answer: Any) -> Any:
    assert answer.status_code in (200, 201, 202), (answer.status_code, answer.data[:500])
    return answer.json


def _publish(town: Town) -> None:
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    manifest["upstream"] |= {"base_url": get_settings().sandbox_base_url, "path_prefix": "/ebus/social-security/card"}
    for operation in manifest["operations"]:  # one segment, so that "any text" of the document can be one of them
        operation["path"] = operation["path"].removeprefix("/card")
    version = registration.register_manifest(town.people["integrator"].principal(), manifest)
    town.approve(version.approval_id or "")
    town.objects |= {"service_id": version.service_id, "version_id": version.id, "path": STATUS}


def _call(town: Town) -> None:
    service = town.objects["service_id"]
    town.objects["purpose"] = f"service:{service}"
    assert town.a.consent(town.objects["purpose"]).status_code == 201
    _ok(town.a.send("GET", f"/v1/services/{service}/call/{STATUS}"))
    body = {"reason": "LOST", "delivery": "WINDOW"}
    _ok(town.a.send("POST", f"/v1/services/{service}/call/replacements", body, Idempotency_Key=unique("write")))


def _file(town: Town) -> None:
    template = next(
        one["platform_template_id"]
        for one in _ok(town.a.send("GET", "/v1/me/grants"))["items"]
        if one["kind"] == "case_progress"
    )
    town.sandbox.control("POST", "wechat/subscribe", user="adult", answers={template: "accept"})
    _ok(town.a.send("POST", "/v1/me/grants", {"answers": {template: "accept"}}, Idempotency_Key=unique("grant")))
    items = _ok(town.app.test_client().get("/v1/items", query_string={"q": ITEM_NAME}, headers={"X-App": town.a.app}))
    code = items["items"][0]["code"]
    body = {"item_code": code, "accept_region": REGION, "form": {"reason": "LOST"}}
    town.rest()
    filed = _ok(town.a.send("POST", "/v1/cases", body, Idempotency_Key=unique("case")))
    town.rest()
    entry = _ok(town.a.send("GET", "/v1/me/inbox"))["items"][0]["entry_id"]
    town.objects |= {"code": code, "case_id": filed["case_id"], "entry_id": entry, "template": template}


def _message(town: Town) -> None:
    body = {"citizen_id": town.a.citizen_id, "kind": "service_notice", "values": NOTICE}
    for name in ("message_id", "approval_id"):
        asked = _ok(town.ask("operator", "POST", "/ops/v1/messages", body, Idempotency_Key=unique("message")))
        town.objects[name] = asked[name]
        if name == "message_id":
            town.approve(asked["approval_id"])
    town.objects["payload_hash"] = asked["payload_hash"]
    town.rest()


__all__ = ["Town", "living", "settle", "settled", "town", "whole_app"]
