"""The bundled data: every code and reference in config/catalogue holds (config/catalogue/README.md, Codes)."""

import csv
from importlib.resources import files

import pytest

from app.core.chinaid import is_uscc
from app.platforms.province.stand_in.listing import TYPES, listing


def table(name):
    text = files("config").joinpath("catalogue", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


BODIES = {row["kind"]: row for row in table("bodies")}
ITEMS = table("items")


def parts(cell):
    return [part for part in cell.split("|") if part]


def test_bodies_are_synthetic_and_their_check_characters_hold():
    assert all(is_uscc(row["uscc"]) and row["uscc"].startswith("11990000MB") for row in BODIES.values())
    assert len({row["uscc"] for row in BODIES.values()}) == len({row["dept_digits"] for row in BODIES.values()}) == 46


@pytest.mark.parametrize("column", ["key", "code", "basic_code", "name_zh"])
def test_no_two_items_share(column):
    assert len({row[column] for row in ITEMS}) == len(ITEMS)


def test_item_codes_are_built_as_the_reference_says():
    for row in ITEMS:
        body = BODIES[row["department_kind"]]
        basic = row["basic_code"]
        assert row["code"] == body["uscc"] + "2" + basic
        assert (len(row["code"]), len(basic)) == (31, 12)
        assert basic[:6] == "99" + TYPES[row["type"]] + body["dept_digits"]


def test_the_card_of_the_contract_s_example_is_a_sub_item_of_its_kin():
    by_key = {row["key"]: row for row in ITEMS}
    assert by_key["ss-card-replace-lost"]["code"] == "11990000MB0000001M2992014012001"
    assert by_key["ss-card-replace-lost"]["name_zh"] == "社会保障卡补领"
    assert by_key["ss-card-replace"]["basic_code"] == "992014012000"


def test_aliases_belong_to_one_item_each():
    aliases = [alias for row in ITEMS for alias in parts(row["aliases_zh"])]
    assert len(aliases) == len(set(aliases)) > 1500


def test_certificate_types_carry_their_body():
    rows = table("certificates")
    assert len({row["code"] for row in rows}) == len(rows) == 185
    for row in rows:
        issuer = BODIES[row["issuer_kind"]]["uscc"]
        assert row["code"][:18] == issuer
        assert len(row["code"]) == 21


def test_every_reference_leads_somewhere():
    materials = {row["key"]: row for row in table("materials")}
    certificates = {row["key"] for row in table("certificates")}
    keys = {row["key"] for row in ITEMS}
    assert {key for row in ITEMS for key in parts(row["materials"])} <= set(materials)
    assert {key for row in ITEMS for key in parts(row["result_cert"])} <= certificates
    assert {row["cert_type"] for row in materials.values()} - {""} <= certificates
    for row in table("packages"):
        assert {key.lstrip("*") for key in parts(row["members"])} <= keys


def test_every_item_and_package_can_be_shown():
    shown = listing()
    assert all(shown.guide(code)["materials"] is not None for code in shown.items)
    assert len(shown.packages) == 49
    newborn = shown.packages["99P0001"]
    codes = {member["code"] for member in newborn["members"]}
    assert {code for question in newborn["questions"] for code in question["adds"]} <= codes
    assert any(member["dependsOn"] for member in newborn["members"])


def test_the_version_follows_the_content():
    texts = {
        name: files("config").joinpath("catalogue", f"{name}.csv").read_text("utf-8")
        for name in ("items", "materials", "certificates", "packages", "bodies", "regions")
    }
    assert type(listing())(texts).version == listing().version
    changed = texts | {"regions": texts["regions"] + "990400000000,990000000000,示例四市,city\n"}
    assert type(listing())(changed).version != listing().version
