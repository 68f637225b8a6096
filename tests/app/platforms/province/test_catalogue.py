"""The catalogue read through the client; facts: province.md 3.3."""

import pytest

from app.core.errors import PlatformRefused
from app.platforms.province.catalogue import ours

CARD = "11990000MB0000001M2992014012001"


def everything(province, limit):
    version, cursor, rows = province.catalogue_version(), None, []
    while True:
        page = province.list_items(version, cursor, limit)
        rows += page.rows
        cursor = page.cursor
        if cursor is None:
            return rows


@pytest.mark.parametrize("limit", [100, 500])
def test_the_whole_list_comes_by_pages(province, limit):
    rows = everything(province, limit)
    assert len(rows) == len({row["code"] for row in rows}) == 667


def test_the_card_is_listed_as_the_contract_shows_it(province):
    card = next(row for row in everything(province, 500) if row["code"] == CARD)
    assert (card["name"], card["min_level"], card["version"], card["basic_code"]) == (
        "社会保障卡补领",
        "L3",
        "3",
        "992014012001",
    )
    assert card["promise_limit"] == {"n": 5, "unit": "WD"}
    assert card["org"] == {"uscc": "11990000MB0000001M", "name": "示例省人社厅"}
    assert "社保卡丢了" in card["aliases"]


def test_a_version_no_longer_served(province):
    with pytest.raises(PlatformRefused) as refused:
        province.list_items("c-of-yesterday", None, 100)
    assert refused.value.code == "40401"


def test_a_cursor_of_nobody_s_making(province):
    with pytest.raises(PlatformRefused):
        province.list_items(province.catalogue_version(), "!!", 100)


def test_a_guide_has_what_a_citizen_needs(province):
    guide = province.guide(CARD)
    assert {"conditions", "materials", "steps", "results", "places", "contacts"} <= set(guide)
    assert [material["obtain_by"] for material in guide["materials"]] == ["cert", "ask", "declare"]
    assert guide["results"][0]["name"] == "社会保障卡"


def test_the_guide_of_no_item(province):
    with pytest.raises(PlatformRefused):
        province.guide("../regions")


def test_regions(province):
    regions = province.list_regions()
    assert regions[0] == {"code": "990000000000", "parent": "", "name": "示例省", "level": "province"}
    known = {region["code"] for region in regions}
    assert all(region["parent"] in known for region in regions[1:])
    assert all(region["code"].startswith("99") for region in regions)


def test_spelling():
    assert ours({"itemVersion": {"nameEn": [{"dependsOn": 1}]}, "uscc": 2}) == {
        "item_version": {"name_en": [{"depends_on": 1}]},
        "uscc": 2,
    }
