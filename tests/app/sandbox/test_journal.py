"""The witness: what was noted, in order, narrowed on request, and never a secret."""

import pytest

from app.sandbox.journal import FORBIDDEN, Journal


def noted(*operations):
    journal = Journal()
    for operation in operations:
        journal.note(1.0, operation.split("/")[0], operation, "ok", {"n": 1})
    return journal


def test_entries_come_in_order_and_can_be_narrowed():
    journal = noted("wechat/a", "province/b", "wechat/c")
    assert [entry["operation"] for entry in journal.entries()] == ["wechat/a", "province/b", "wechat/c"]
    assert [entry["seq"] for entry in journal.entries(platform="wechat")] == [1, 3]
    assert [entry["seq"] for entry in journal.entries(operation="province/b")] == [2]
    assert [entry["seq"] for entry in journal.entries(since=1, limit=1)] == [2]
    assert [entry["seq"] for entry in journal.entries(limit=2, last=True)] == [2, 3]


def test_a_cleared_journal_goes_on_counting():
    journal = noted("wechat/a")
    journal.clear()
    journal.note(2.0, "wechat", "b", "ok", {})
    assert [entry["seq"] for entry in journal.entries()] == [2]


def test_it_forgets_the_oldest_rather_than_growing():
    journal = Journal(capacity=2)
    for number in range(4):
        journal.note(1.0, "wechat", str(number), "ok", {})
    assert [entry["operation"] for entry in journal.entries()] == ["2", "3"]


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_a_secret_is_refused_whatever_its_value(name):
    with pytest.raises(ValueError, match=name):
        Journal().note(1.0, "wechat", "x", "ok", {name: ""})
