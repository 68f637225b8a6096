"""Steps 9 and 10: an operator's message and an integrator's service, each only after a second person's approval.

Accounts are made by the real command line, as an administrator would; tokens and TOTP secrets stay in this process
and in the demo's sign-in file, which only its owner can read.
"""

import json
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pyotp

from handlers.cli.walk.citizen import ITEM_NAME, REGION, Phone, key
from handlers.cli.walk.service import SENT, grant
from handlers.cli.walk.stage import Stage
from handlers.cli.walk.wire import Answer, StepFailed, Wire, until

CARD = Path("docs/examples/social-security-card.manifest.json")
FUND = Path("docs/examples/housing-fund.manifest.json")
NOTICE = "service_notice"
TEMPLATES = "config/templates/sandbox.json"
TOTP_STEP_S = 30

# who -> (role, synthetic name, synthetic id number): the id number makes the human, so no two of these are one person
CAST = {
    "operator": ("operator", "测试操作员", "990190198501010019"),
    "approver": ("approver", "测试审批员", "990190198601010024"),
    "reviewer": ("approver", "测试审核员", "990190198801010045"),
    "integrator": ("integrator", "测试开发者", "99019019870101003X"),
}
ORGANISATIONS = {
    "operator": ("demo-platform", "示例省政务服务平台", "province"),
    "approver": ("demo-platform", "示例省政务服务平台", "province"),
    "reviewer": ("demo-platform", "示例省政务服务平台", "province"),
    "integrator": ("demo-housing-fund", "示例省住房公积金中心", "integrator"),
}


@dataclass
class Member:
    """One member of staff with what `flask staff add` showed once."""

    stage: Stage
    who: str
    token: str = field(repr=False)
    totp_uri: str = field(repr=False)

    def ops(self) -> Wire:
        return Wire(self.stage.settings.public_base_url, {"Authorization": f"Bearer {self.token}"})

    def approve(self, approval_id: str) -> None:
        """Look at what will be done, approve exactly that. A code serves once, so a used one waits for the next."""
        shown = self.ops().ask("GET", f"/ops/v1/approvals/{approval_id}").expect(200).body
        for _ in range(3):
            code = pyotp.TOTP(str(pyotp.parse_uri(self.totp_uri).secret)).now()
            path = f"/ops/v1/approvals/{approval_id}/approve"
            answer = self.ops().ask("POST", path, {"payload_hash": shown["payload_hash"]}, X_TOTP=code)
            if answer.status == HTTPStatus.OK:
                self.stage.told.approvals[approval_id] = answer.body["state"]
                return
            if answer.body.get("code") != "step_up_required":
                break
            time.sleep(TOTP_STEP_S - time.time() % TOTP_STEP_S + 0.2)
        answer.expect(200)


def flask(*words: str, stdin: str = "") -> str:
    """Run one command of the real command line; its output, or StepFailed with its last line."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    # The words are this file's own; secrets go in by standard input, never as an argument.
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)  # noqa: S603  our own words
    if done.returncode != 0:
        raise StepFailed(f"flask {words[0]} {words[1]}: {' '.join(done.stderr.strip().splitlines()[-1:])}")
    return done.stdout


class SignIns:
    """The demo's staff, kept in one file only its owner reads, so that a second run meets the same people."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage = stage
        self._file = folder / "staff.json"
        self._known: dict[str, dict[str, str]] = json.loads(self._file.read_text()) if self._file.is_file() else {}

    def member(self, who: str) -> Member:
        if who in self._known:
            kept = Member(self._stage, who, self._known[who]["token"], self._known[who]["totp_uri"])
            if kept.ops().ask("GET", "/ops/v1/me").status == HTTPStatus.OK:
                return kept
        return self._hire(who)

    def _hire(self, who: str) -> Member:
        role, name, number = CAST[who]
        slug, title, kind = ORGANISATIONS[who]
        listed = flask("organisation", "list")
        if slug not in listed:
            flask("organisation", "add", "--slug", slug, "--name", title, "--kind", kind)
        shown = json.loads(
            flask("staff", "add", "--organisation", slug, "--role", role, "--name", name,
                  "--id-number-file", "-", "--json", stdin=number)
        )  # fmt: skip
        self._known[who] = {"token": shown["token"], "totp_uri": shown["totp_uri"]}
        self._file.touch(mode=0o600)
        self._file.write_text(json.dumps(self._known))
        return Member(self._stage, who, shown["token"], shown["totp_uri"])

    def lines(self) -> list[str]:
        """What `make demo` prints at the end: where the sign-ins are, not what they are."""
        return [f"工作人员令牌与验证器 staff tokens and TOTP ({', '.join(self._known)}): {self._file}"]


def step_9_message(stage: Stage, phone: Phone, people: SignIns) -> str:
    operator, approver = people.member("operator"), people.member("approver")
    grant(stage, phone, NOTICE)
    body = {
        "citizen_id": phone.citizen_id,
        "kind": NOTICE,
        "values": {"title": "社会保障卡补领", "content": "新卡可以领取了，请带身份证"},
    }
    asked = operator.ops().ask("POST", "/ops/v1/messages", body, Idempotency_Key=key()).expect(202).body
    early = [entry for entry in _sends(stage, phone) if entry["facts"].get("message") == asked["message_id"]]
    own = {"payload_hash": asked["payload_hash"]}
    operator.ops().ask("POST", f"/ops/v1/approvals/{asked['approval_id']}/approve", own, X_TOTP="000000").expect(403)
    before = len(_sends(stage, phone))
    approver.approve(asked["approval_id"])
    until("the operator's message in WeChat", lambda: len(_sends(stage, phone)) > before or None, 60)
    shown = until("the receipt", lambda: _with_receipt(operator, asked["message_id"]), 60)
    stage.told.messages.append(asked["message_id"])
    attempt = shown["attempts"][0]
    stage.told.receipts[asked["message_id"]] = attempt["state"]
    if early:
        raise StepFailed("the message left before its approval")
    return f"own approval refused, a second person approved; attempt {attempt['channel']}: {attempt['state']}"


def _sends(stage: Stage, phone: Phone) -> list[dict[str, Any]]:
    return [entry for entry in stage.journal("wechat", SENT) if entry["facts"].get("touser") == phone.openid]


def _with_receipt(operator: Member, message_id: str) -> dict[str, Any] | None:
    shown: dict[str, Any] = operator.ops().ask("GET", f"/ops/v1/messages/{message_id}").expect(200).body
    return shown if any(attempt["state"] == "delivered" for attempt in shown["attempts"]) else None


def prepare(stage: Stage, phone: Phone, people: SignIns) -> str:
    """What a province has before its first citizen: a catalogue, message templates, one reviewed service."""
    phone.mint_code()
    if not phone.app().ask("GET", "/v1/items?limit=1").expect(200).body["items"]:
        flask("catalogue", "sync")
    flask("templates", "load", TEMPLATES)
    listed = phone.app().ask("GET", f"/v1/services?region={REGION}").expect(200).body["items"]
    if any(ITEM_NAME in one["name"]["zh"] for one in listed):
        return "catalogue, templates and the card service are there from an earlier run"
    people.member("reviewer").approve(_waiting(people.member("integrator")) or _handed_in(stage, people))
    return "catalogue synchronised, templates loaded, the card service registered and approved"


def _handed_in(stage: Stage, people: SignIns) -> str:
    return register(stage, people.member("integrator"), CARD, {})["approval_id"]


def _waiting(integrator: Member) -> str | None:
    """The card service's approval of an earlier run that was stopped before it was given."""
    found = integrator.ops().ask("GET", "/ops/v1/services?state=submitted").expect(200).body["items"]
    return next((one["approval_id"] for one in found if one["slug"] == json.loads(CARD.read_text())["slug"]), None)


def register(stage: Stage, integrator: Member, file: Path, changes: dict[str, Any]) -> dict[str, str]:
    """Hand in a manifest by the command line, with this machine's sandbox as its upstream."""
    manifest = json.loads(file.read_text(encoding="utf-8")) | changes
    manifest["upstream"]["base_url"] = stage.settings.sandbox_base_url
    handed_in = stage.folder / "manifest.json"
    handed_in.write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    shown = flask("services", "register", str(handed_in), "--token-file", "-", "--json", stdin=integrator.token)
    told: dict[str, str] = json.loads(shown)
    return told


def step_10_register(stage: Stage, phone: Phone, people: SignIns) -> str:
    integrator, reviewer = people.member("integrator"), people.member("reviewer")
    registered = register(stage, integrator, FUND, {"slug": f"housing-fund-{secrets.token_hex(3)}"})
    service_id = registered["service_id"]
    phone.call(service_id, "GET", "/account/balance").expect(404)
    reviewer.approve(registered["approval_id"])
    phone.consent_as_asked(until("the new service to be known", lambda: _refused(phone, service_id), 10))
    answer = until("the new service", lambda: _served(phone, service_id), 10)
    stage.told.services.append(service_id)
    listed = phone.app().ask("GET", f"/v1/services?region={REGION}").expect(200).body["items"]
    if not any(one["id"] == service_id for one in listed):
        raise StepFailed("the new service is not listed")
    return f"registered by the command line, approved by a second person, called at once: {answer['accountMasked']}"


def _refused(phone: Phone, service_id: str) -> Answer | None:
    answer = phone.call(service_id, "GET", "/account/balance")
    return answer if answer.status == HTTPStatus.FORBIDDEN else None


def _served(phone: Phone, service_id: str) -> dict[str, Any] | None:
    answer = phone.call(service_id, "GET", "/account/balance")
    return answer.body["data"] if answer.status == HTTPStatus.OK else None
