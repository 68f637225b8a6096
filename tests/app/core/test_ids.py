import re
import time

from app.core.ids import is_id, new_id


def test_an_id_is_its_prefix_and_26_characters():
    assert re.fullmatch(r"cs_[0-7][0-9a-hjkmnp-tv-z]{25}", new_id("cs"))


def test_ids_of_later_milliseconds_sort_later():
    first = new_id("cs")
    time.sleep(0.003)
    assert first < new_id("cs")


def test_ten_thousand_ids_of_one_burst_differ():
    assert len({new_id("cs") for _ in range(10_000)}) == 10_000


def test_version_and_variant_stand_where_rfc_9562_wants_them():
    value = 0
    for letter in new_id("cs")[3:]:
        value = value << 5 | "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
    assert (value >> 76) & 0xF == 7
    assert (value >> 62) & 0b11 == 0b10


def test_another_prefix_or_a_wrong_letter_is_no_id():
    good = new_id("cs")
    assert is_id("cs", good)
    assert not is_id("mg", good)
    assert not is_id("cs", good[:-1] + "u")
    assert not is_id("cs", good + "\n")
