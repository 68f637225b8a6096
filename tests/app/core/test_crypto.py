"""Sealing and blind indexes; the keys are made for each test, the settings replaced where the module reads them."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from hypothesis import given
from hypothesis import strategies as st

from app.core import crypto
from app.core.crypto import Unsealable
from tests.support.keys import PLACE, secret_key, use_keys


@pytest.fixture(params=["aes-256-gcm", "sm4-gcm"])
def suite(request, monkeypatch):
    use_keys(monkeypatch, [f"k1:{request.param}:{secret_key(1)}"])
    return request.param


def test_what_was_sealed_opens_in_its_place(suite):
    sealed = crypto.seal("张三\U0002cb4e", **PLACE)
    assert crypto.unseal(sealed, **PLACE) == "张三\U0002cb4e"


def test_bytes_come_back_as_bytes(suite):
    sealed = crypto.seal(b"\xff\x00\xfe", **PLACE)
    assert crypto.unseal_bytes(sealed, **PLACE) == b"\xff\x00\xfe"
    with pytest.raises(Unsealable):
        crypto.unseal(sealed, **PLACE)


def test_the_form_names_version_suite_and_key(suite):
    version, alg, key_id, nonce, _ciphertext, tag = crypto.seal("x", **PLACE).split("|")
    assert (version, alg, key_id, len(nonce), len(tag)) == ("v1", suite, "k1", 16, 22)


def test_empty_text_can_be_sealed(suite):
    assert crypto.unseal(crypto.seal("", **PLACE), **PLACE) == ""


def test_every_altered_character_is_noticed(suite):
    sealed = crypto.seal("440101199001011234", **PLACE)
    for at, char in enumerate(sealed):
        other = "A" if char != "A" else "B"
        with pytest.raises(Unsealable):
            crypto.unseal(sealed[:at] + other + sealed[at + 1 :], **PLACE)


@pytest.mark.parametrize(
    "text", ["", "v1", "|||||", "v1|aes-256-gcm|k1|||", "v1|aes-256-gcm|k1|é|é|é", "张三", "v1|x|k1|a|b|c|d"]
)
def test_what_is_no_sealed_value_is_unsealable(suite, text):
    with pytest.raises(Unsealable):
        crypto.unseal(text, **PLACE)


def test_a_shortenedtag_text_is_refused(suite):
    head, _, tag_text = crypto.seal("x", **PLACE).rpartition("|")
    for length in range(16):
        tag = base64.urlsafe_b64encode(base64.urlsafe_b64decode(tag_text + "==")[:length]).rstrip(b"=").decode()
        with pytest.raises(Unsealable):
            crypto.unseal(f"{head}|{tag}", **PLACE)


def test_a_value_has_one_spelling(suite):
    sealed = crypto.seal("x", **PLACE)
    for other in (sealed + "=", sealed + "\n", " " + sealed, sealed.replace("|", "||", 1), sealed + "|"):
        with pytest.raises(Unsealable):
            crypto.unseal(other, **PLACE)


def test_the_suite_named_must_be_the_key_s(monkeypatch):
    use_keys(monkeypatch, [f"k1:aes-256-gcm:{secret_key(1)}"])
    sealed = crypto.seal("x", **PLACE)
    with pytest.raises(Unsealable):
        crypto.unseal(sealed.replace("aes-256-gcm", "sm4-gcm"), **PLACE)


def test_sm4_gcm_agrees_with_rfc_8998_appendix_a1():
    suite = crypto.Sm4Gcm(bytes(32))
    suite._cipher = SM4(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    nonce = bytes.fromhex("00001234567800000000ABCD")
    place = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plain = bytes.fromhex("AA" * 8 + "BB" * 8 + "CC" * 8 + "DD" * 8 + "EE" * 8 + "FF" * 8 + "EE" * 8 + "AA" * 8)
    ciphertext, tag = suite.seal(nonce, plain, place)
    assert ciphertext.hex().upper() == (
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
    )
    assert tag.hex().upper() == "83DE3541E4C2B58177E065A9BF7B62EC"
    assert suite.open(nonce, ciphertext, tag, place) == plain


def test_a_blind_index_is_stable_keyed_and_of_its_kind(monkeypatch):
    use_keys(monkeypatch, [f"k1:aes-256-gcm:{secret_key(1)}"])
    index = crypto.blind_index("id_number", "990101199001011234")
    assert index == crypto.blind_index("id_number", "990101199001011234")
    assert index.startswith("1:")
    assert len(index) == 66
    assert index != crypto.blind_index("phone", "990101199001011234")
    assert crypto.blind_index("ab", "c") != crypto.blind_index("a", "bc")
    use_keys(monkeypatch, [f"k1:aes-256-gcm:{secret_key(1)}"], ["1:" + secret_key(77)])
    assert index != crypto.blind_index("id_number", "990101199001011234")


@given(st.binary() | st.text(st.characters()), st.binary() | st.text(st.characters()))
def test_same_answers_for_anything(one, other):
    def as_bytes(value):
        return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value

    assert crypto.same(one, other) is (as_bytes(one) == as_bytes(other))


def test_same_takes_text_beyond_ascii():
    assert crypto.same("签名", "签名".encode())
    assert not crypto.same("签名", "signature")
    assert not crypto.same("\ud800", "x")
