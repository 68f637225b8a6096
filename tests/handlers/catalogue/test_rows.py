"""One item of the province's list: read whole, or left out."""

import pytest

from handlers.catalogue import rows
from tests.handlers.catalogue.conftest import item


def test_an_item_becomes_a_row():
    row = rows.read(item())
    assert (row.code, row.min_level, row.region, row.status) == (
        "11990000MB0000001M2992014012001", "L3", "990000000000", "ACTIVE",
    )  # fmt: skip
    assert row.search == "社会保障卡补领\n社保卡丢了\n补社保卡"
    assert row.body["visits"] == 0


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("code", None),
        ("code", "../x"),
        ("code", "11990000mb0000001m2992014012001"),
        ("name", ""),
        ("name", "x" * 201),
        ("name", 7),
        ("min_level", "L9"),
        ("min_level", None),
        ("region", "99"),
        ("region", "٩٩٠٠٠٠٠٠٠٠٠٠"),
        ("version", 3),
        ("aliases", "x"),
        ("aliases", [1]),
    ],
)
def test_what_cannot_be_read_is_named(member, value):
    with pytest.raises(rows.BadItem, match=member):
        rows.read(item() | {member: value})


def test_an_item_without_aliases_is_found_by_its_name():
    assert rows.read({name: value for name, value in item().items() if name != "aliases"}).search == "社会保障卡补领"
