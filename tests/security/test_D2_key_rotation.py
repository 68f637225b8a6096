"""D2: keys rotate without a failed read; a retired key opens nothing; a ciphertext does not open in another place."""

import pytest

from app.core import crypto
from app.core.crypto import Unsealable
from tests.support.keys import PLACE, secret_key, use_keys

OLD = f"k1:aes-256-gcm:{secret_key(1)}"
NEW = f"k2:sm4-gcm:{secret_key(2)}"


def test_a_new_key_writes_while_the_old_one_still_reads(monkeypatch):
    use_keys(monkeypatch, [OLD])
    before = crypto.seal("张三", **PLACE)
    use_keys(monkeypatch, [NEW, OLD])
    after = crypto.seal("李四", **PLACE)
    assert after.split("|")[2] == "k2"
    assert crypto.unseal(before, **PLACE) == "张三"
    assert crypto.unseal(after, **PLACE) == "李四"


def test_after_the_rewrap_the_retired_key_can_go(monkeypatch):
    use_keys(monkeypatch, [OLD])
    before = crypto.seal("张三", **PLACE)
    use_keys(monkeypatch, [NEW, OLD])
    rewrapped = crypto.seal(crypto.unseal(before, **PLACE), **PLACE)
    use_keys(monkeypatch, [NEW])
    assert crypto.unseal(rewrapped, **PLACE) == "张三"
    with pytest.raises(Unsealable):
        crypto.unseal(before, **PLACE)


def test_a_key_id_given_to_other_bytes_opens_nothing(monkeypatch):
    use_keys(monkeypatch, [OLD])
    before = crypto.seal("张三", **PLACE)
    use_keys(monkeypatch, [f"k1:aes-256-gcm:{secret_key(9)}"])
    with pytest.raises(Unsealable):
        crypto.unseal(before, **PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"row_id": "ct_2"},
        {"tenant": "org_1"},
        {"column": "id_number"},
        {"table": "accounts"},
        {"table": "citizensn", "column": "ame"},
        {"column": "namec", "row_id": "t_1"},
    ],
)
@pytest.mark.parametrize("key", [OLD, NEW])
def test_a_ciphertext_moved_elsewhere_does_not_open(monkeypatch, key, elsewhere):
    use_keys(monkeypatch, [key])
    sealed = crypto.seal("张三", **PLACE)
    with pytest.raises(Unsealable):
        crypto.unseal(sealed, **(PLACE | elsewhere))


def test_index_key_rotation_keeps_lookups_working(monkeypatch):
    old_index, new_index = "1:" + secret_key(50), "2:" + secret_key(51)
    use_keys(monkeypatch, [OLD], [old_index])
    stored = crypto.blind_index("phone", "19900000000")
    use_keys(monkeypatch, [OLD], [new_index, old_index])
    assert stored in crypto.blind_indexes("phone", "19900000000")
    assert crypto.blind_index("phone", "19900000000").startswith("2:")
    assert crypto.blind_indexes("phone", "19900000000")[0] == crypto.blind_index("phone", "19900000000")
    assert stored not in crypto.blind_indexes("phone", "19900000001")
