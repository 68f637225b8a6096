"""Scripted faults: used up in order, matched by kind and path, spread evenly rather than at random."""

import pytest

from app.sandbox.faults import KINDS, Fault, Faults


def scripted(*faults):
    table = Faults()
    for fault in faults:
        table.add(fault)
    return table


def test_a_fault_fires_as_often_as_it_says():
    table = scripted(Fault("delay", "/x", count=2))
    assert [table.take(("delay",), "/x") is not None for _ in range(3)] == [True, True, False]
    assert table.listing() == []


def test_another_path_or_kind_does_not_use_it_up():
    table = scripted(Fault("delay", "/wechat/*"))
    assert table.take(("delay",), "/province/x") is None
    assert table.take(("hang", "5xx"), "/wechat/x") is None
    assert table.take(("hang", "delay"), "/wechat/x")


def test_the_first_scripted_wins():
    table = scripted(Fault("delay", "*", delay_s=1), Fault("hang", "*", delay_s=2))
    assert table.take(("hang", "delay"), "/x").delay_s == 1


def test_a_probability_is_spread_evenly():
    table = scripted(Fault("5xx", "*", count=100, probability=0.25))
    assert [table.take(("5xx",), "/x") is not None for _ in range(8)] == [False, False, False, True] * 2


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="half-body"):
        Faults().add(Fault("explode", "*"))


def test_clear_forgets_all():
    table = scripted(*(Fault(kind, "*") for kind in KINDS))
    table.clear()
    assert table.listing() == []
