"""Vectors and rules: province.md 3.6."""

import pytest

from app.platforms.schemes.base import CallParts, Credential, SignatureRefused
from app.platforms.schemes.pcb import PCB_SHA256, PCB_SM3

CREDENTIAL = Credential("pcb-demo", "demo-callback-secret")
BODY = b'{"eventId":"E1","type":"case.status"}'
PARTS = CallParts("POST", "/callbacks/province/events", BODY)
AT = 1700000000
NONCE = "n-0001"
VECTORS = [
    (PCB_SHA256, "e29eeea190cb9ef2c8633ce8b5830a9a6ba7545b55de2924edfe9c3a4d9697de"),
    (PCB_SM3, "f9a87e470439a2c4b16ef97b68ed9b3587e424c0b2562c8632d8bf6640ba0868"),
]


def signed(signature=VECTORS[0][1], **change):
    return {"X-PCB-Key": "pcb-demo", "X-PCB-Timestamp": str(AT), "X-PCB-Nonce": NONCE, "X-PCB-Signature": signature} | {
        f"X-PCB-{name}": value for name, value in change.items()
    }


def refusal(headers, parts=PARTS, at_s=AT, credential=CREDENTIAL):
    with pytest.raises(SignatureRefused) as refused:
        PCB_SHA256.verify_inbound(credential, parts, headers, at_s=at_s)
    return refused.value.reason


@pytest.mark.parametrize(("scheme", "signature"), VECTORS)
def test_vector_signs(scheme, signature):
    assert scheme.sign(CREDENTIAL, PARTS, at_s=AT, nonce=NONCE) == signed(signature)


@pytest.mark.parametrize("cased", [str.lower, str.upper])
@pytest.mark.parametrize(("scheme", "signature"), VECTORS)
def test_vector_verifies(scheme, signature, cased):
    headers = {name.lower(): value for name, value in signed(cased(signature)).items()}
    assert scheme.verify_inbound(CREDENTIAL, PARTS, headers, at_s=AT) == (NONCE, AT, {})


def test_one_digest_does_not_pass_for_the_other():
    assert refusal(signed(VECTORS[1][1])) == "signature"


@pytest.mark.parametrize("skew", [-300, 299, 300])
def test_window_is_open_for_300_seconds_both_ways(skew):
    assert PCB_SHA256.verify_inbound(CREDENTIAL, PARTS, signed(), at_s=AT + skew).nonce == NONCE


@pytest.mark.parametrize("skew", [-301, 301])
def test_window_is_shut_beyond(skew):
    assert refusal(signed(), at_s=AT + skew) == "window"


@pytest.mark.parametrize(
    "parts",
    [
        PARTS._replace(body=BODY + b" "),
        PARTS._replace(body=b""),
        PARTS._replace(path="/callbacks/province/other"),
        PARTS._replace(path="/callbacks/province/events?x=1"),
        PARTS._replace(method="PUT"),
    ],
)
def test_everything_of_the_call_is_signed_over(parts):
    assert refusal(signed(), parts) == "signature"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Key": ""}, "key"),
        ({"Key": "钥匙"}, "key"),
        ({"Key": "pcb-demo2"}, "key"),
        ({"Nonce": ""}, "missing"),
        ({"Nonce": "n-0002"}, "signature"),
        ({"Nonce": "n\n1"}, "format"),
        ({"Nonce": "n" * 129}, "format"),
        ({"Timestamp": "1699999999"}, "signature"),
        ({"Timestamp": "1700000000 "}, "format"),
        ({"Timestamp": "١٧٠٠٠٠٠٠٠٠"}, "format"),
        ({"Timestamp": "9" * 400}, "format"),
        ({"Signature": ""}, "missing"),
        ({"Signature": "签名"}, "signature"),
        ({"Signature": VECTORS[0][1][:-1]}, "signature"),
    ],
)
def test_refusals(change, reason):
    assert refusal(signed(**change)) == reason


def test_no_secret_means_no_callbacks():
    headers = PCB_SHA256.sign(Credential("", ""), PARTS, at_s=AT, nonce=NONCE)
    assert refusal(headers, credential=Credential("", "")) == "key"


def test_key_of_another_caller():
    other = Credential("pcb-demo", "another-secret")
    assert refusal(PCB_SHA256.sign(other, PARTS, at_s=AT)) == "signature"
