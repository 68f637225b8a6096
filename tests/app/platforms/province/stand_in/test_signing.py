"""The stand-in's own arithmetic, pinned by the same vectors as the client's (province.md 2.1 and 3.6)."""

import pytest

from app.platforms.province.stand_in.signing import pcb_signature, tif_holds, tif_signature

TIF = ("1700000000", "demo-paas-token-0001", "18bcfe56800-3ade68")
TIF_SHA256 = "ea1788246cfa770f5f141dad2e0346e65f446aac0252c239728654c688d608ec"
BODY = b'{"eventId":"E1","type":"case.status"}'


def test_tif_vector():
    assert tif_signature(*TIF) == TIF_SHA256
    assert tif_holds(*TIF, TIF_SHA256)
    assert tif_holds(*TIF, TIF_SHA256.upper())


@pytest.mark.parametrize("given", ["", "签名", TIF_SHA256[:-1], "0" * 64])
def test_a_wrong_tif_signature_does_not_hold(given):
    assert not tif_holds(*TIF, given)


@pytest.mark.parametrize(
    ("algorithm", "signature"),
    [
        ("sha256", "e29eeea190cb9ef2c8633ce8b5830a9a6ba7545b55de2924edfe9c3a4d9697de"),
        ("sm3", "f9a87e470439a2c4b16ef97b68ed9b3587e424c0b2562c8632d8bf6640ba0868"),
    ],
)
def test_pcb_vectors(algorithm, signature):
    arguments = ("1700000000", "n-0001", "POST", "/callbacks/province/events", BODY)
    assert pcb_signature("demo-callback-secret", *arguments, algorithm) == signature


def test_a_key_longer_than_a_block_is_hashed_first():
    # RFC 4231, test case 6 uses a 131-byte key; here the rule is shown by its consequence.
    short = pcb_signature("k" * 65, "1", "n", "POST", "/", b"", "sha256")
    assert short != pcb_signature("k" * 64, "1", "n", "POST", "/", b"", "sha256")
