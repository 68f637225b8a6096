"""Face verification 2.0 (微信人脸核身 2.0: getverifyid, queryverifyinfo; read 2026-07). Found by the registry as FACE.

The client's "finished" proves nothing: the pass is what queryverifyinfo says, errcode 0 and verify_ret 10000 and
nothing else. cert_hash binds the answer to the name and number we asked about, so a swapped identity comes back as an
errcode. No image ever passes here.
"""

import base64
import hashlib
import re
from typing import Any, Final, NamedTuple

from app.core.errors import PlatformGarbled, PlatformRefused
from app.core.log import get_log
from app.platforms.base import FaceAnswer, FaceStart, FaceState, IdentityClaim
from app.platforms.wechat import client, tokens
from app.platforms.wechat.codes import PLATFORM
from config.settings import WechatApp

START: Final = "getverifyid"
QUERY: Final = "queryverifyinfo"
CERT_TYPE: Final = "IDENTITY_CARD"
FLOW_ID: Final = re.compile(r"[0-9A-Za-z_-]{5,32}")
PASSED: Final = 10000
VERIFY_ID_CHARS: Final = 256
LIFE_S: Final = 3600

log = get_log("wechat")


class Ret(NamedTuple):
    """What a verify_ret means for the citizen: our reason, and whether trying again can help."""

    state: FaceState
    reason: str
    can_retry: bool


def _failed(reason: str, *codes: int, can_retry: bool = True) -> dict[int, Ret]:
    return {code: Ret(FaceState.FAILED, reason, can_retry) for code in codes}


# The verify_ret table of the queryverifyinfo page. A code that is not in it fails, without a retry offered.
RETS: Final[dict[int, Ret]] = {
    10005: Ret(FaceState.PENDING, "in_progress", True),
    10300: Ret(FaceState.PENDING, "not_completed", True),
    **_failed("mismatch", 10003, 10018, 10026, can_retry=False),
    **_failed("not_matched_face", 10004, 10012),
    **_failed("poor_photo", 10002, 10010, 90011, 90013, 90014),
    **_failed("timeout", 10020, 10029, 10052, 90017, 90107),
    **_failed("busy", 10007, 10008, 10013, 10014, 10015, 10016, 10021, 10042, 10045, 90018, 90199),
    **_failed("cancelled", 90002, 90003, 90004, 90005, 90006),
    **_failed("device", 90001, 90106, 90109),
    **_failed("network", 90007, 90012),
    **_failed("permission", 90008, 90009, 90010),
    **_failed("client", 90104, 90105, 90110),
    **_failed("refused", 10001, 10006, 10017, 10040, 10041, can_retry=False),
}
UNLISTED: Final = Ret(FaceState.FAILED, "unlisted", False)

# Errcodes of queryverifyinfo that are answers about this flow. 84017, 84018 and 84020 say that somebody swapped the
# openid, the identity or the flow: never a retry.
ENDED: Final = {
    84017: FaceAnswer(FaceState.FAILED, "tampered"),
    84018: FaceAnswer(FaceState.FAILED, "tampered"),
    84020: FaceAnswer(FaceState.FAILED, "tampered"),
    84022: FaceAnswer(FaceState.EXPIRED, "expired", can_retry=True),
}


class WechatFace:
    """Implements base.FaceFlow."""

    def start(self, app_id: str, openid: str, claim: IdentityClaim, flow_id: str) -> FaceStart:
        """Raises PlatformRefused (84019: this flow_id was used before, take a new one), other PlatformError,
        NotSent, OutcomeUnknown. `client` is what wx.requestFacialVerify wants.
        """
        if not FLOW_ID.fullmatch(flow_id):
            raise PlatformRefused(PLATFORM, START, "local_flow_id")
        cert = {"cert_type": CERT_TYPE, "cert_name": claim.name, "cert_no": claim.id_number}
        body = {"out_seq_no": flow_id, "cert_info": cert, "openid": openid}
        reply = _ask(client.get_app(app_id, START), START, body)
        if not reply.ok:
            raise client.refused(START, reply)
        verify_id, life_s = reply.data.get("verify_id"), reply.data.get("expires_in", LIFE_S)
        if not isinstance(verify_id, str) or not 0 < len(verify_id) <= VERIFY_ID_CHARS or type(life_s) is not int:
            raise PlatformGarbled(PLATFORM, START, "verify_id")
        return FaceStart(provider_ref=verify_id, client={"verifyId": verify_id}, expires_in_s=life_s)

    def query(self, app_id: str, openid: str, claim: IdentityClaim, flow_id: str, provider_ref: str) -> FaceAnswer:
        """How it ended, from WeChat itself. Raises PlatformError, NotSent, OutcomeUnknown (a read: safe to repeat)."""
        body = {
            "verify_id": provider_ref,
            "out_seq_no": flow_id,
            "cert_hash": cert_hash(claim),
            "openid": openid,
        }
        reply = _ask(client.get_app(app_id, QUERY), QUERY, body)
        if reply.errcode in ENDED:
            log.warning("wechat_face_ended", operation=QUERY, code=str(reply.errcode), trace=reply.rid)
            return ENDED[reply.errcode]
        if not reply.ok:
            raise client.refused(QUERY, reply)
        return _verdict(reply, provider_ref)


def cert_hash(claim: IdentityClaim) -> str:
    """sha256 over the three base64 values, standard alphabet with padding, not URL-encoded (queryverifyinfo page)."""
    parts = (("cert_type", CERT_TYPE), ("cert_name", claim.name), ("cert_no", claim.id_number))
    text = "&".join(f"{name}={base64.b64encode(value.encode()).decode()}" for name, value in parts)
    return hashlib.sha256(text.encode()).hexdigest()


def _ask(app: WechatApp, operation: str, body: dict[str, Any]) -> client.Reply:
    path = f"/cityservice/face/identify/{operation}"
    return tokens.call(app, operation, lambda token: client.post(operation, path, body, {"access_token": token}))


def _verdict(reply: client.Reply, provider_ref: str) -> FaceAnswer:
    ret = reply.data.get("verify_ret")
    # "Absent means 0" is WeChat's habit elsewhere; a pass is not built on an absence, nor on "10000" or 10000.0.
    if not reply.stated or type(ret) is not int:
        raise PlatformGarbled(PLATFORM, QUERY, "verify_ret")
    if ret == PASSED:
        return FaceAnswer(FaceState.PASSED, provider_ref=provider_ref)
    meaning = RETS.get(ret, UNLISTED)
    log.info("wechat_face_not_passed", operation=QUERY, code=str(ret), reason=meaning.reason, trace=reply.rid)
    return FaceAnswer(meaning.state, meaning.reason, can_retry=meaning.can_retry)


FACE: Final = WechatFace()
