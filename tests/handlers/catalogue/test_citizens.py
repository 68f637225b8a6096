"""Browsing over the public API: lists, words, regions, guides, ETags, refusals."""

import pytest

from app.core.errors import OutcomeUnknown, PlatformBusy
from handlers.catalogue import sync as syncing
from tests.handlers.catalogue.conftest import item
from tests.support.citizen_steps import APP

CARD = "11990000MB0000001M2992014012001"
CITY = "11990100MB0000001M3992014012001"


@pytest.fixture
def ask(catalogue_app, province):
    province.items = [
        item(CARD),
        item(CITY, name="公交卡年审", aliases=["坐公交"], region="990100000000", min_level="L1"),
        item("11990000MB0000001M2992014012003", name="50%_折扣登记", aliases=[]),
        item("11990000MB0000001M2992014012004", name="已停事项", status="SUSPENDED"),
    ]
    syncing.sync()
    client = catalogue_app.test_client()
    return lambda path, **headers: client.get(path, headers={"X-App": APP} | headers)


def names(answer) -> set[str]:
    assert answer.status_code == 200, answer.json
    return {one["name"] for one in answer.json["items"]}


def test_active_items_are_listed(ask):
    assert names(ask("/v1/items")) == {"社会保障卡补领", "公交卡年审", "50%_折扣登记"}


def test_a_region_is_offered_its_own_and_what_stands_above_it(ask):
    assert "公交卡年审" not in names(ask("/v1/items?region=990000000000"))
    assert names(ask("/v1/items?region=990101001001")) >= {"社会保障卡补领", "公交卡年审"}
    assert names(ask("/v1/items?region=990200000000")) == {"社会保障卡补领", "50%_折扣登记"}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("社保卡丢了", {"社会保障卡补领"}),
        ("保障 补领", {"社会保障卡补领"}),
        ("公交", {"公交卡年审"}),
        ("没有这个", set()),
        ("%25", {"50%_折扣登记"}),
        ("_", {"50%_折扣登记"}),
        ("' OR 1=1 --", set()),
    ],
)
def test_items_are_found_by_name_and_alias_and_words_are_no_patterns(ask, words, found):
    assert names(ask(f"/v1/items?q={words}")) == found


def test_pages_fit_together(ask):
    seen, cursor = set(), ""
    for _ in range(3):
        page = ask(f"/v1/items?limit=1{cursor}").json
        seen |= {one["code"] for one in page["items"]}
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("region=99", "region"), ("region=99000000000a", "region"), ("q=", "q"), ("limit=0", "limit"),
        ("limit=101", "limit"), ("cursor=%21", "cursor"), ("other=1", "other"),
    ],
)  # fmt: skip
def test_a_bad_question_names_its_field(ask, query, field):
    answer = ask(f"/v1/items?{query}")
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == field


def test_browsing_needs_to_say_from_which_app(catalogue_app, ask):
    answer = catalogue_app.test_client().get("/v1/items")
    assert (answer.status_code, answer.json["code"]) == (400, "app_required")


def test_an_item_in_detail(ask):
    answer = ask(f"/v1/items/{CARD}")
    assert answer.json["promise_limit"] == {"n": 5, "unit": "WD"}
    assert (answer.json["min_level"], answer.json["org"]) == ("L3", "示例省人社厅")
    again = ask(f"/v1/items/{CARD}", **{"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_suspended_item_says_so(ask):
    assert ask("/v1/items/11990000MB0000001M2992014012004").json["status"] == "SUSPENDED"


@pytest.mark.parametrize("code", ["nothing", "x' OR '1'='1", "%2e%2e", "11990000MB0000001M2992014012009"])
def test_an_unknown_item_is_not_found(ask, code):
    assert ask(f"/v1/items/{code}").status_code == 404
    assert ask(f"/v1/items/{code}/guide").status_code == 404


def test_a_guide_is_fetched_once_and_kept_with_the_item_s_version(ask, province):
    for _ in range(2):
        answer = ask(f"/v1/items/{CARD}/guide")
        assert (answer.status_code, answer.json["guide"]["conditions"], answer.json["stale"]) == (
            200,
            ["材料齐全"],
            False,
        )
    assert province.asked.count("guide") == 1
    province.version, province.items[0] = "c2", item(CARD, version="4")
    syncing.sync()
    assert ask(f"/v1/items/{CARD}/guide").json["version"] == "4"
    assert province.asked.count("guide") == 2


def test_an_outage_shows_the_kept_guide_and_says_it_is_old(ask, province):
    ask(f"/v1/items/{CARD}/guide")
    province.version, province.items[0] = "c2", item(CARD, version="4")
    syncing.sync()
    province.trouble = OutcomeUnknown("timeout")
    answer = ask(f"/v1/items/{CARD}/guide")
    assert (answer.status_code, answer.json["version"], answer.json["stale"]) == (200, "3", True)


def test_an_outage_without_a_kept_guide_says_when_to_come_back(ask, province):
    province.trouble = PlatformBusy("province", "items.guide")
    answer = ask(f"/v1/items/{CARD}/guide")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")


def test_regions_all_or_under_one(ask):
    assert [one["name"] for one in ask("/v1/regions").json["items"]] == ["示例省", "示例一市"]
    assert [one["code"] for one in ask("/v1/regions?parent=990000000000").json["items"]] == ["990100000000"]
    assert ask("/v1/regions?parent=990100000000").json["items"] == []
