"""Vectors and facts: province.md 2.1."""

import pytest

from app.platforms.schemes.base import NO_PARTS, Credential, SignatureRefused
from app.platforms.schemes.tif import TIF

CREDENTIAL = Credential("paas-demo", "demo-paas-token-0001")
NONCE = "18bcfe56800-3ade68"
AT = 1700000000
SHORT = "ea1788246cfa770f5f141dad2e0346e65f446aac0252c239728654c688d608ec"
LONG = "D87C1E47BD00FEEFDB6888F7C4BE4BFC5B735F12355A4FE7D4D186E6CBC2D5A8"
LONG_EMPTY = "FB90DACF82D38AD7E6957EB6284F0C01BD5465146AE873225A530A82BFA78053"
IDENTITY = {"x-tif-uid": "u-1001", "x-tif-uinfo": "eyJuYW1lIjoi5byg5LiJIn0=", "x-tif-ext": "ch=wx"}


def inbound(signature=SHORT, **extra):
    return {
        "x-tif-paasid": "paas-demo",
        "x-tif-timestamp": str(AT),
        "x-tif-nonce": NONCE,
        "x-tif-signature": signature,
        **extra,
    }


def verify(headers, at_s=AT):
    return TIF.verify_inbound(CREDENTIAL, NO_PARTS, headers, at_s=at_s)


def refusal(headers, at_s=AT):
    with pytest.raises(SignatureRefused) as refused:
        verify(headers, at_s)
    return refused.value.reason


def test_outbound_vector():
    assert TIF.sign(CREDENTIAL, at_s=AT, nonce=NONCE) == inbound()


def test_every_signature_has_its_own_nonce():
    first, second = (TIF.sign(CREDENTIAL) for _ in range(2))
    assert first["x-tif-nonce"] != second["x-tif-nonce"]
    assert first["x-tif-signature"] != second["x-tif-signature"]


def test_the_token_is_not_in_the_headers():
    assert CREDENTIAL.secret not in " ".join(TIF.sign(CREDENTIAL).values())
    assert CREDENTIAL.secret not in repr(CREDENTIAL)


@pytest.mark.parametrize("signature", [SHORT, SHORT.upper()])
def test_inbound_without_a_user_in_both_cases(signature):
    proof = verify(inbound(signature))
    assert proof == (NONCE, AT, {})


@pytest.mark.parametrize("signature", [LONG, LONG.lower()])
def test_inbound_with_a_user(signature):
    assert verify(inbound(signature, **IDENTITY)).identity == IDENTITY


def test_inbound_long_form_with_nothing_in_it():
    assert verify(inbound(LONG_EMPTY)).identity == {}


def test_header_names_of_any_case_and_of_the_test_systems():
    headers = {name.upper().replace("X-TIF-", "X-RIO-"): value for name, value in inbound(LONG, **IDENTITY).items()}
    assert verify(headers).identity == IDENTITY


def test_an_identity_under_the_short_signature_is_refused():
    assert refusal(inbound(SHORT, **IDENTITY)) == "signature"


@pytest.mark.parametrize("name", list(IDENTITY))
def test_each_identity_header_is_signed_over(name):
    assert refusal(inbound(LONG, **{**IDENTITY, name: "other"})) == "signature"


@pytest.mark.parametrize("skew", [-180, 0, 180])
def test_window_is_open_for_180_seconds_both_ways(skew):
    assert verify(inbound(), AT + skew).at_s == AT


@pytest.mark.parametrize("skew", [-181, 181, 10**9])
def test_window_is_shut_beyond(skew):
    assert refusal(inbound(), AT + skew) == "window"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x-tif-signature": ""}, "missing"),
        ({"x-tif-nonce": ""}, "missing"),
        ({"x-tif-timestamp": ""}, "missing"),
        ({"x-tif-signature": "0" * 64}, "signature"),
        ({"x-tif-signature": "签名"}, "signature"),
        ({"x-tif-signature": SHORT[:-1]}, "signature"),
        ({"x-tif-nonce": "other"}, "signature"),
        ({"x-tif-nonce": "n" * 129}, "format"),
        ({"x-tif-timestamp": "1700000000.0"}, "format"),
        ({"x-tif-timestamp": "١٧٠٠٠٠٠٠٠٠"}, "format"),
        ({"x-tif-timestamp": "-1700000000"}, "format"),
        ({"x-tif-timestamp": "1" * 5000}, "format"),
        ({"x-tif-paasid": "somebody-else"}, "key"),
        ({"x-rio-signature": SHORT}, "format"),
    ],
)
def test_refusals(change, reason):
    assert refusal({**inbound(), **change}) == reason


def test_no_headers_at_all():
    assert refusal({}) == "missing"
