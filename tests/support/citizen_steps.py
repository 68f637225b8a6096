"""What a mini-program does, step by step, over the public API: log in, consent, prove, ask."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.fake_platforms import FakeWorld
from tests.support.surroundings import WECHAT_APP_ID

APP = f"wechat/{WECHAT_APP_ID}"
LI = ("李明", "990101199003070015")
WANG = ("王芳", "990101198812120022")
MINOR = ("赵小宝", "990102201506010037")
ELDER = ("陈桂英", "990101194501010047")

_numbers = itertools.count()


def unique(prefix: str) -> str:
    return f"{prefix}-{next(_numbers):08d}"


@dataclass
class Phone:
    """One citizen's mini-program: an openid, the token it got, the headers it sends."""

    client: FlaskClient
    world: FakeWorld
    openid: str
    app: str = APP
    address: str = ""
    token: str = field(default="", repr=False)
    account_id: str = ""
    citizen_id: str = ""

    def __post_init__(self) -> None:
        number = next(_numbers)
        self.address = self.address or f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    @property
    def origin(self) -> dict[str, str]:
        return {"REMOTE_ADDR": self.address}

    def log_in(self, code: str | None = None) -> TestResponse:
        answer = self.client.post(
            "/v1/sessions",
            json={"code": code or unique(f"{self.openid}.code")},
            headers={"X-App": self.app},
            environ_base=self.origin,
        )
        if answer.status_code == 201:
            self.token = answer.json["access_token"]
            self.account_id, self.citizen_id = answer.json["account_id"], answer.json["citizen_id"]
        return answer

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        fixed = {"X-App": self.app, "Authorization": f"Bearer {self.token}"}
        options = {} if body is None else {"json": body}
        return self.client.open(
            path,
            method=method,
            headers=fixed | {k.replace("_", "-"): v for k, v in headers.items()},
            environ_base=self.origin,
            **options,
        )

    def consent(self, purpose: str) -> TestResponse:
        return self.send("POST", "/v1/me/consents", {"purpose": purpose, "text_version": "1"})

    def prove(self, body: dict[str, Any], key: str | None = None) -> TestResponse:
        return self.send("POST", "/v1/me/verifications", body, Idempotency_Key=key or unique("key"))

    def real_name(self, person: tuple[str, str], **options: Any) -> TestResponse:
        return self.prove({"method": "real_name", "name": person[0], "id_number": person[1]}, **options)

    def finish(self, verification_id: str) -> TestResponse:
        return self.send("POST", f"/v1/me/verifications/{verification_id}/finish")

    def me(self) -> dict[str, Any]:
        answer = self.send("GET", "/v1/me")
        assert answer.status_code == 200, answer.json
        return answer.json

    # ---- the long way up -----------------------------------------------------------------------------------------

    def to_l2(self, person: tuple[str, str]) -> "Phone":
        assert self.consent("real_name").status_code == 201
        answer = self.real_name(person)
        assert answer.status_code == 201, answer.json
        return self

    def start_face(self, **more: str) -> str:
        assert self.consent("face").status_code == 201
        answer = self.prove({"method": "face", **more})
        assert answer.status_code == 201, answer.json
        return answer.json["verification_id"]

    def to_l3(self, person: tuple[str, str]) -> "Phone":
        verification_id = self.to_l2(person).start_face()
        self.world.face_says(verification_id)
        self.world.authority_says(verification_id)
        self.finish(verification_id)  # hands the transaction over
        answer = self.finish(verification_id)  # asks the authority
        assert answer.json["state"] == "consumed", answer.json
        self.citizen_id = self.me()["citizen_id"]
        return self
