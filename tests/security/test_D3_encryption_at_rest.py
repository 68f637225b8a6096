"""D3: no deterministic encryption, and a blind index says nothing without its key."""

import hashlib

import pytest

from app.core import crypto
from tests.support.keys import PLACE, secret_key, use_keys


@pytest.mark.parametrize("suite", ["aes-256-gcm", "sm4-gcm"])
def test_equal_values_never_give_equal_texts(monkeypatch, suite):
    use_keys(monkeypatch, [f"k1:{suite}:{secret_key(3)}"])
    texts = {crypto.seal("990101199001011234", **PLACE) for _ in range(500)}
    parts = [text.split("|") for text in texts]
    assert len(texts) == len({part[3] for part in parts}) == len({part[4] for part in parts}) == 500


@pytest.mark.parametrize("suite", ["aes-256-gcm", "sm4-gcm"])
def test_the_plain_value_is_nowhere_in_the_sealed_one(monkeypatch, suite):
    use_keys(monkeypatch, [f"k1:{suite}:{secret_key(3)}"])
    assert "990101199001011234" not in crypto.seal("990101199001011234", **PLACE)


def test_the_index_is_no_plain_hash(monkeypatch):
    use_keys(monkeypatch, [f"k1:aes-256-gcm:{secret_key(3)}"])
    index = crypto.blind_index("id_number", "990101199001011234").partition(":")[2]
    for text in ("990101199001011234", "id_number990101199001011234", "id_number:990101199001011234"):
        assert index != hashlib.sha256(text.encode()).hexdigest()
