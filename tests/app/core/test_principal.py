from datetime import timedelta

import pytest

from app.core import clock
from app.core.principal import Principal


def _principal(**levels_ago_s) -> Principal:
    levels = {int(name[1:]): clock.now() - timedelta(seconds=ago) for name, ago in levels_ago_s.items()}
    return Principal("ss_1", "ac_1", "cz_1", "wechat", "wx0123456789abcdef", levels)


def test_a_session_alone_is_level_one():
    assert _principal().level == 1


@pytest.mark.parametrize(
    ("held", "need", "age", "met"),
    [
        ({}, 1, None, True),
        ({}, 2, None, False),
        ({"L2": 10}, 2, None, True),
        ({"L2": 10}, 3, None, False),
        ({"L3": 10}, 2, None, True),
        ({"L2": 100}, 2, 60, False),
        ({"L2": 100, "L3": 10}, 2, 60, True),
        ({"L3": 100, "L2": 10}, 3, 60, False),
    ],
)
def test_level_and_age_are_met_by_the_youngest_sufficient_proof(held, need, age, met):
    assert _principal(**held).meets(need, age) is met
