from datetime import date
from pathlib import Path

import pytest

from app.core import chinaid
from app.core.chinaid import read_id_number
from app.platforms.province.stand_in import people


@pytest.mark.parametrize("person", people.EVERYBODY, ids=lambda person: person.note)
def test_everybody_is_synthetic_and_well_formed(person):
    assert person.id_number.startswith("99")
    assert read_id_number(person.id_number, date(2026, 11, 23)).value == person.id_number
    assert person.face in people.PHOTO_OUTCOMES


@pytest.mark.parametrize("person", people.EVERYBODY, ids=lambda person: person.note)
def test_everybody_is_in_the_handbook(person):
    handbook = (Path(__file__).parents[5] / "docs" / "province.md").read_text("utf-8")
    assert person.name in handbook
    assert person.id_number in handbook


def test_nobody_is_listed_twice():
    assert len({person.id_number for person in people.EVERYBODY}) == len(people.EVERYBODY)
    assert len({person.subject_id for person in people.EVERYBODY}) == len(people.EVERYBODY)


def test_the_crowd_is_whoever_says_so_under_a_good_number():
    assert people.find("990190199001010017", "测试甲") is not None
    assert people.find("990190199001010018", "测试甲") is None
    assert people.find("990190199001010017", "张三").name != "张三"


def test_the_crowds_oldest_have_died():
    digits = "99019019210101001"
    assert people.find(digits + chinaid.id_check(digits), "测试甲").twist == "deceased"
    assert people.find("990190199001010017", "测试甲").twist == ""
