"""Face 2.0 against the stand-in: a pass is errcode 0 and verify_ret 10000, and nothing else is."""

import pytest

from app.core.errors import OutcomeUnknown, PlatformError, PlatformGarbled, PlatformRefused
from app.platforms import registry
from app.platforms.base import FaceState, IdentityClaim
from app.platforms.wechat import client
from app.platforms.wechat.certify import FACE, RETS, cert_hash
from app.platforms.wechat.stand_in import face as stand_in_face
from tests.support.surroundings import WECHAT_APP_ID

pytestmark = pytest.mark.usefixtures("db_clean")
LI = IdentityClaim("李明", "990101199003070015")
WANG = IdentityClaim("王芳", "990101198812120022")
FLOW = "vf-000001"

# wechat.md 12, V6: IDENTITY_CARD / 李雷 / 110101199001010000
V6 = "c8d0c6a2acf6f6c6a4e211d7e49a06a6a0aa8a762f5d068957699fe2b7e8e943"
# the queryverifyinfo page's own example: 张三 / 310101199801011234
OFFICIAL = "3c241f7ff324977aeb91f173bb2a7b06569e6fd784d5573db34a636d8671108b"


@pytest.fixture
def openid(sandbox):
    return sandbox.control("POST", "wechat/codes", user="adult")["openid"]


def start(openid, claim=LI, flow=FLOW):
    return FACE.start(WECHAT_APP_ID, openid, claim, flow)


def query(openid, started, claim=LI, flow=FLOW):
    return FACE.query(WECHAT_APP_ID, openid, claim, flow, started.provider_ref)


def finish(sandbox, started, outcome):
    sandbox.control("POST", f"wechat/faces/{started.provider_ref}/finish", outcome=outcome)


@pytest.mark.parametrize(
    ("name", "number", "digest"), [("李雷", "110101199001010000", V6), ("张三", "310101199801011234", OFFICIAL)]
)
def test_cert_hash_on_both_sides(name, number, digest):
    assert cert_hash(IdentityClaim(name, number)) == digest
    assert stand_in_face.cert_hash("IDENTITY_CARD", name, number) == digest


def test_the_client_gets_a_verify_id_and_no_identity(sandbox, openid):
    started = registry.face("wechat").start(WECHAT_APP_ID, openid, LI, FLOW)
    assert started.client == {"verifyId": started.provider_ref}
    assert started.expires_in_s == 3600
    assert started.provider_ref not in repr(started)


def test_before_the_flow_is_run_it_is_pending(sandbox, openid):
    answer = query(openid, start(openid))
    assert (answer.state, answer.reason) == (FaceState.PENDING, "not_completed")


def test_a_passed_flow_passes_with_its_transaction(sandbox, openid):
    started = start(openid)
    finish(sandbox, started, "pass")
    answer = query(openid, started)
    assert answer.state is FaceState.PASSED
    assert answer.provider_ref == started.provider_ref


@pytest.mark.parametrize(("ret", "meaning"), sorted(RETS.items()))
def test_every_documented_result_has_our_word(sandbox, openid, ret, meaning):
    started = start(openid)
    finish(sandbox, started, ret)
    answer = query(openid, started)
    assert (answer.state, answer.reason, answer.can_retry) == meaning
    assert answer.state is not FaceState.PASSED


@pytest.mark.parametrize("ret", [0, 1, -10000, 9999, 10006, 100000, 99999])
def test_no_other_number_passes(sandbox, openid, ret):
    started = start(openid)
    finish(sandbox, started, ret)
    assert query(openid, started).state is FaceState.FAILED


@pytest.mark.parametrize(
    "ret", [10002, 10004, 10010, 10012, 10020, 10029, 10052, 90001, 90003, 90007, 90011, 90017, 90107]
)
def test_what_may_be_tried_again(ret):
    assert RETS[ret].can_retry


@pytest.mark.parametrize("ret", [10003, 10018, 10026])
def test_what_is_final(ret):
    assert not RETS[ret].can_retry


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"verify_ret": "10000"},
        {"verify_ret": 10000.0},
        {"verify_ret": True},
        {"verify_ret": None},
        {"verify_ret": [10000]},
        {"verifyRet": 10000},
    ],
)
def test_a_pass_is_not_guessed_from_another_shape(sandbox, openid, monkeypatch, data):
    started = start(openid)
    monkeypatch.setattr(client, "post", lambda *_: client.Reply(0, "", stated=True, data=data))
    with pytest.raises(PlatformGarbled):
        query(openid, started)


def test_a_pass_needs_errcode_to_be_said(sandbox, openid, monkeypatch):
    started = start(openid)
    monkeypatch.setattr(client, "post", lambda *_: client.Reply(0, "", stated=False, data={"verify_ret": 10000}))
    with pytest.raises(PlatformGarbled):
        query(openid, started)


@pytest.mark.parametrize("errcode", [-1, 1, 40001, 84010, 84016, 84019, 84021, 99999])
def test_no_errcode_passes_whatever_stands_beside_it(sandbox, openid, monkeypatch, errcode):
    started = start(openid)
    answer = client.Reply(errcode, "", stated=True, data={"verify_ret": 10000})
    monkeypatch.setattr(client, "post", lambda *_: answer)
    with pytest.raises(PlatformError):
        query(openid, started)


def test_another_identity_is_tampering(sandbox, openid):
    started = start(openid)
    finish(sandbox, started, "pass")
    answer = query(openid, started, claim=WANG)
    assert (answer.state, answer.reason, answer.can_retry) == (FaceState.FAILED, "tampered", False)


def test_another_users_openid_is_tampering(sandbox, openid):
    started = start(openid)
    finish(sandbox, started, "pass")
    other = sandbox.control("POST", "wechat/codes", user="other")["openid"]
    assert query(other, started).reason == "tampered"


def test_another_flows_number_is_tampering(sandbox, openid):
    started = start(openid)
    finish(sandbox, started, "pass")
    assert query(openid, started, flow="vf-000002").reason == "tampered"


def test_after_an_hour_it_is_expired(sandbox, openid):
    started = start(openid)
    finish(sandbox, started, "pass")
    sandbox.control("POST", "clock", advance_s=3601)
    assert query(openid, started).state is FaceState.EXPIRED


def test_a_flow_id_serves_once(sandbox, openid):
    start(openid)
    with pytest.raises(PlatformRefused) as refused:
        start(openid)
    assert refused.value.code == "84019"


@pytest.mark.parametrize("flow", ["abcd", "a" * 33, "a b c d e", "流程一二三", ""])
def test_a_malformed_flow_id_is_refused_without_a_call(sandbox, openid, flow):
    with pytest.raises(PlatformRefused):
        start(openid, flow=flow)
    assert sandbox.count("/cityservice/face/identify/getverifyid") == 0


def test_a_malformed_number_is_wechats_to_refuse(sandbox, openid):
    with pytest.raises(PlatformRefused) as refused:
        start(openid, IdentityClaim("李明", "123"))
    assert refused.value.code == "84015"
    assert "李明" not in str(refused.value)


@pytest.mark.parametrize("kind", ["execute-then-reset", "half-body"])
def test_an_outage_is_no_answer(sandbox, openid, kind):
    started = start(openid)
    finish(sandbox, started, "pass")
    sandbox.fault(kind, "/wechat/cityservice/*")
    with pytest.raises(OutcomeUnknown):
        query(openid, started)


@pytest.mark.parametrize("kind", ["5xx", "bad-json"])
def test_garbage_is_no_answer(sandbox, openid, kind):
    started = start(openid)
    finish(sandbox, started, "pass")
    sandbox.fault(kind, "/wechat/cityservice/*")
    with pytest.raises(PlatformGarbled):
        query(openid, started)
