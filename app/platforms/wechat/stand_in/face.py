"""Face 2.0: `getverifyid` and `queryverifyinfo` with their codes, and the flow a person runs in between.

The outcome is chosen by whoever plays the person (`finish`); until then queryverifyinfo says 10300.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

from app.platforms.wechat.stand_in.wire import ApiError, json_body, require, text_of
from app.platforms.wechat.stand_in.world import Account, Face, World

LIFE_S: Final = 3600
SEQ: Final = re.compile(r"[0-9A-Za-z_-]{5,32}")
ID_NUMBER: Final = re.compile(r"[0-9]{17}[0-9X]")
PASS: Final = 10000
# The moods a page or a test may choose by name; any number of the table serves as well.
OUTCOMES: Final = {"pass": PASS, "mismatch": 10003, "face_mismatch": 10004, "cancel": 90002, "pending": 10005}


def cert_hash(cert_type: str, cert_name: str, cert_no: str) -> str:
    """The formula of the queryverifyinfo page (vector V6)."""
    pairs = {"cert_type": cert_type, "cert_name": cert_name, "cert_no": cert_no}
    joined = "&".join(f"{name}={base64.standard_b64encode(text.encode()).decode()}" for name, text in pairs.items())
    return hashlib.sha256(joined.encode()).hexdigest()


class Faces:
    """The two APIs. Both answer (reply, facts for the journal)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def getverifyid(self, account: Account) -> tuple[Mapping[str, Any], Mapping[str, object]]:
        require("POST")
        given = json_body()
        seq = text_of(given, "out_seq_no", 84010)
        if not SEQ.fullmatch(seq):
            raise ApiError(84011)
        hashed, name = self._cert(given)
        openid = text_of(given, "openid", 84016)
        if account.by_openid(openid) is None:
            raise ApiError(40003)
        if seq in account.out_seq_nos:
            raise ApiError(84019)
        account.out_seq_nos.add(seq)
        verify_id = secrets.token_urlsafe(96)
        expires_at = self._world.bench.now() + LIFE_S
        account.faces[verify_id] = Face(verify_id, openid, seq, hashed, name, expires_at)
        reply = {"errcode": 0, "errmsg": "ok", "verify_id": verify_id, "expires_in": LIFE_S}
        return reply, {"out_seq_no": seq, "openid": openid}

    def _cert(self, given: Mapping[str, Any]) -> tuple[str, str]:
        cert = given.get("cert_info")
        if not isinstance(cert, dict) or not cert:
            raise ApiError(84012)
        if cert.get("cert_type") != "IDENTITY_CARD":
            raise ApiError(84013)
        name = text_of(cert, "cert_name", 84014)
        number = text_of(cert, "cert_no", 84015)
        if not ID_NUMBER.fullmatch(number):
            raise ApiError(84015)
        return cert_hash("IDENTITY_CARD", name, number), name

    def queryverifyinfo(self, account: Account) -> tuple[Mapping[str, Any], Mapping[str, object]]:
        require("POST")
        given = json_body()
        seq = text_of(given, "out_seq_no", 84010)
        openid = text_of(given, "openid", 84016)
        verify_id = text_of(given, "verify_id", 84021)
        face = account.faces.get(verify_id)
        if face is None or face.expires_at <= self._world.bench.now():
            raise ApiError(84022)
        if face.out_seq_no != seq:
            raise ApiError(84020)
        if face.openid != openid:
            raise ApiError(84017)
        if given.get("cert_hash") != face.cert_hash:
            raise ApiError(84018)
        return {"errcode": 0, "errmsg": "", "verify_ret": face.outcome}, {"out_seq_no": seq, "verify_ret": face.outcome}

    def finish(self, account: Account, verify_id: str, outcome: str | int) -> Face | None:
        """The person ran the flow on the phone; None for an unknown verify_id."""
        face = account.faces.get(verify_id)
        if face is not None:
            face.outcome = OUTCOMES.get(outcome, PASS) if isinstance(outcome, str) else int(outcome)
        return face
