"""The citizen's half of the story: a mini-program on a phone, playing WeChat's part through the sandbox's controls."""

import secrets
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from app.core import chinaid
from handlers.cli.walk.stage import Stage
from handlers.cli.walk.wire import Answer, StepFailed, Wire, until

REGION = "990000000000"
ITEM_NAME = "社会保障卡补领"


def key() -> str:
    return uuid.uuid4().hex


def number(region: str = "990190", born: int = 0) -> str:
    """A synthetic id number. 990190 is the province stand-in's crowd, 990191 nobody's; before 1930 is deceased."""
    year = born or secrets.choice(range(1955, 2005))
    digits = (
        f"{region}{year}{secrets.randbelow(12) + 1:02d}{secrets.randbelow(28) + 1:02d}{secrets.randbelow(999) + 1:03d}"
    )
    return digits + chinaid.id_check(digits)


def somebody() -> dict[str, str]:
    """A person nobody met before, so that every run starts with a stranger and meets no limit of an earlier one."""
    return {"name": "测试" + secrets.choice("安宁和顺明远知行"), "id_number": number()}


@dataclass
class Phone:
    """One mini-program in one person's hand."""

    stage: Stage
    user: str
    person: dict[str, str] = field(default_factory=somebody, repr=False)
    app_id: str = ""
    openid: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    account_id: str = ""
    citizen_id: str = ""

    def app(self) -> Wire:
        """Before login: only X-App."""
        return Wire(self.stage.settings.public_base_url, {"X-App": f"wechat/{self.app_id}", "Accept-Language": "zh-CN"})

    def me(self) -> Wire:
        """After login: X-App and the session's token."""
        headers = {"X-App": f"wechat/{self.app_id}", "Authorization": f"Bearer {self.token}"}
        return Wire(self.stage.settings.public_base_url, headers)

    def mint_code(self) -> str:
        """wx.login: WeChat hands the mini-program a code."""
        self.stage.control("/wechat/users", {"user": self.user})
        minted = self.stage.control("/wechat/codes", {"user": self.user}).body
        self.app_id, self.openid = minted["app_id"], minted["openid"]
        return str(minted["code"])

    def log_in(self, code: str) -> Answer:
        answer = self.app().ask("POST", "/v1/sessions", {"code": code})
        if answer.status == HTTPStatus.CREATED:
            self.token, self.account_id = answer.body["access_token"], answer.body["account_id"]
            self.citizen_id = answer.body["citizen_id"]
            self.stage.told.sessions.append(self.account_id)
        return answer

    def consent(self, purpose: str) -> None:
        """Read the text, accept exactly that version."""
        texts = self.me().ask("GET", "/v1/consents").expect(200).body["items"]
        version = next(text["text_version"] for text in texts if text["purpose"] == purpose)
        self.me().ask("POST", "/v1/me/consents", {"purpose": purpose, "text_version": version}).expect(201)

    def consent_as_asked(self, refusal: Answer) -> None:
        """Accept what a 403 consent_required names."""
        start = refusal.body["start"]
        self.me().ask(start["method"], start["href"], start["body"]).expect(201)

    def verify(self, body: dict[str, Any]) -> Answer:
        return self.me().ask("POST", "/v1/me/verifications", body, Idempotency_Key=key())

    def call(self, service_id: str, method: str, path: str, body: object = None, **headers: str) -> Answer:
        return self.me().ask(method, f"/v1/services/{service_id}/call{path}", body, **headers)


def step_1_login(stage: Stage, phone: Phone) -> str:
    code = phone.mint_code()
    first = phone.log_in(code).expect(201)
    if first.body["level"] != "L1":
        raise StepFailed(f"expected an L1 session, got {first.body['level']}")
    stage.told.codes.append("used")
    Phone(stage, phone.user, app_id=phone.app_id).log_in(code).expect(401, "code_refused")
    exchanged = [entry for entry in stage.journal("wechat", "/sns/jscode2session") if entry["check"] == "ok"]
    return f"L1 session; the code's replay was refused; WeChat saw {len(exchanged)} exchange(s)"


def step_2_browse(_stage: Stage, phone: Phone) -> tuple[str, str]:
    """Returns what was proved and the service's id."""
    listed = phone.app().ask("GET", f"/v1/services?region={REGION}").expect(200).body["items"]
    service = next((one for one in listed if ITEM_NAME in one["name"]["zh"]), None)
    if service is None:
        raise StepFailed(f"no service {ITEM_NAME} among {len(listed)}")
    detail = phone.app().ask("GET", f"/v1/services/{service['id']}").expect(200)
    again = phone.app().ask("GET", f"/v1/services/{service['id']}", If_None_Match=detail.headers["etag"])
    again.expect(304)
    items = phone.app().ask("GET", "/v1/items?limit=100").expect(200).body["items"]
    needs = detail.body["need"]["level"]
    return f"{len(listed)} service(s), {len(items)}+ items; {ITEM_NAME} needs {needs}", service["id"]


def step_3_refused(_stage: Stage, phone: Phone, service_id: str) -> str:
    refused = phone.call(service_id, "GET", "/card/status").expect(403, "assurance_too_low")
    methods = [method["method"] for method in refused.body["methods"]]
    if refused.body["need"]["level"] != "L3" or "face" not in methods:
        raise StepFailed(f"the refusal offers {methods}")
    return f"403 problem+json: needs {refused.body['need']['level']}, offers {', '.join(methods)}, links the start"


def step_4_real_name(stage: Stage, phone: Phone) -> str:
    phone.consent("real_name")
    wrong = {
        "wrong name": phone.person | {"name": "查无此人"},
        "wrong number": phone.person | {"id_number": number("990191")},
        "unknown": {"name": "查无此人", "id_number": number("990191")},
        "deceased": {"name": "测试先人", "id_number": number(born=1921)},
    }
    bodies = set()
    for pair in wrong.values():
        answer = phone.verify({"method": "real_name"} | pair).expect(422, "identity_not_matched")
        bodies.add(str({name: value for name, value in answer.body.items() if name != "request_id"}))
    if len(bodies) != 1:
        raise StepFailed(f"{len(bodies)} different refusals tell the cases apart")
    passed = phone.verify({"method": "real_name"} | phone.person).expect(201)
    if passed.body["level"] != "L2":
        raise StepFailed(f"expected L2, got {passed.body['level']}")
    stage.told.evidence.append((phone.account_id, "L2"))
    return "L2 by name and number; wrong name, wrong number, unknown, deceased: one body, one code"


def step_5_face(stage: Stage, phone: Phone) -> str:
    phone.verify({"method": "face"}).expect(403, "consent_required")
    phone.consent("face")
    stage.control("/province/script", {"face_copies": 2, "face_stale": True})
    started = phone.verify({"method": "face"}).expect(201)
    flow, verification = started.body["client"], started.body["verification_id"]
    early = phone.me().ask("POST", f"/v1/me/verifications/{verification}/finish").expect(200)
    if early.body["state"] != "pending":
        raise StepFailed(f"an unfinished flow is {early.body['state']}")
    stage.control(f"/wechat/faces/{flow['verifyId']}/finish", {"outcome": "pass"})
    phone.me().ask("POST", f"/v1/me/verifications/{verification}/finish").expect(200)

    def level() -> Answer | None:
        answer = phone.me().ask("GET", f"/v1/me/verifications/{verification}")
        if answer.body["state"] in ("failed", "expired"):
            raise StepFailed(f"the verification {answer.body['state']}: {answer.body.get('reason')}")
        return answer if answer.body["state"] == "consumed" else None

    until("the province's face check", level)
    stage.control("/settle", {"timeout_s": 15})
    proofs = phone.me().ask("GET", "/v1/me").expect(200).body["proofs"]
    third = [proof for proof in proofs if proof["level"] == "L3"]
    if len(third) != 1:
        raise StepFailed(f"{len(third)} L3 proofs instead of one")
    stage.told.evidence.append((phone.account_id, "L3"))
    arrived = [entry for entry in stage.journal("province") if entry["operation"].endswith("identity.face")]
    return f"queryverifyinfo 10000, face-compare PENDING, identity.face arrived {len(arrived)} times, L3 exactly once"
