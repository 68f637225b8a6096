"""What a session has proved, what is needed, and the ways from one to the other."""

from datetime import timedelta

import pytest

from app.core import clock
from app.core.errors import Problem
from app.core.principal import Principal
from config.assurance import LEVELS, METHODS
from identity import assurance
from tests.support.citizen_steps import LI


def principal(ages):
    """Made in the test and not in its parameters: those are as old as the whole run by then."""
    levels = {int(name[1]): clock.now() - timedelta(seconds=age) for name, age in ages.items()}
    return Principal("ss_x", "ac_x", "cz_x", "wechat", "wx", levels)


@pytest.mark.parametrize(
    ("ages", "level", "max_age_s"),
    [
        ({}, 1, None), ({"l2": 10}, 2, None), ({"l2": 10}, 1, 5), ({"l3": 10}, 2, 60),
        ({"l2": 99, "l3": 10}, 3, 60), ({"l2": 10, "l3": 99}, 2, 60),
    ],
)  # fmt: skip
def test_enough_is_enough(ages, level, max_age_s):
    assurance.require(principal(ages), level, max_age_s)


@pytest.mark.parametrize(
    ("ages", "level", "max_age_s", "offered"),
    [
        ({}, 2, None, ["real_name", "face", "counter"]),
        ({}, 3, None, ["real_name", "face", "counter"]),
        ({"l2": 10}, 3, None, ["face", "counter"]),
        ({"l2": 10, "l3": 99}, 3, 60, ["face", "counter"]),
        ({"l2": 99}, 2, 60, ["real_name", "face", "counter"]),
    ],
)
def test_too_little_says_what_is_needed_and_how_to_get_it(ages, level, max_age_s, offered):
    who = principal(ages)
    with pytest.raises(Problem) as refused:
        assurance.require(who, level, max_age_s)
    problem = refused.value
    assert (problem.code, problem.status) == ("assurance_too_low", 403)
    assert problem.detail["need"] == {"level": f"L{level}"} | ({"max_age_s": max_age_s} if max_age_s else {})
    assert problem.detail["have"] == f"L{who.level}"
    assert [way["method"] for way in problem.detail["methods"]] == offered


def test_only_the_services_methods_are_offered_with_the_steps_before_them():
    with pytest.raises(Problem) as refused:
        assurance.require(principal({}), 3, methods=("counter",))
    assert [way["method"] for way in refused.value.detail["methods"]] == ["counter"]
    with pytest.raises(Problem) as refused:
        assurance.require(principal({}), 3, methods=("face", "counter"))
    assert [way["method"] for way in refused.value.detail["methods"]] == ["real_name", "face", "counter"]


def test_a_way_says_where_to_start_it():
    assert assurance.way("face") == {
        "method": "face", "level": "L3", "requires": "L2", "consent": "face",
        "start": {"method": "POST", "href": "/v1/me/verifications", "body": {"method": "face"}},
    }  # fmt: skip
    assert set(assurance.way("counter")) == {"method", "level", "text"}


def test_face_is_never_the_only_way_to_a_level():
    for level in LEVELS:
        reaching = {name for name, method in METHODS.items() if method.level >= level}
        assert reaching != {"face"}
        assert reaching


def test_a_lapsed_proof_no_longer_counts(phone, world, old):

    caller = phone().to_l3(LI)
    old("evidence", "obtained_at", METHODS["face"].valid_for_s + 1)
    caller.log_in()
    assert caller.me()["level"] == "L2"
    answer = caller.send("GET", "/v1/me/uses")
    assert (answer.status_code, answer.json["code"]) == (403, "assurance_too_low")
