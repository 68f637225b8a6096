"""What of the terminal's environment reaches the machine room and its children."""

import pytest

from app.stack.errors import StackError
from app.stack.surroundings import application_variables, bare_environment, given


def test_children_see_the_necessities_and_nothing_that_steers_a_server():
    told = {
        "PATH": "/bin",
        "HOME": "/h",
        "PGHOST": "x",
        "PYTHONPATH": "y",
        "PIP_INDEX_URL": "z",
        "TB_ENV": "production",
    }
    assert bare_environment(told) == {"PATH": "/bin", "HOME": "/h"}


def test_defaults():
    told = given({})
    assert (told.http_port, told.internal_port, told.sandbox_port) == (8800, 8801, 8802)
    assert not told.once
    assert told.servers == {}


@pytest.mark.parametrize(("text", "once"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_once(text, once):
    assert given({"ONCE": text}).once is once


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "８８００", "80.0"])
def test_a_port_that_is_none_is_refused_by_its_variables_name(text):
    with pytest.raises(StackError, match="INTERNAL_PORT="):
        given({"INTERNAL_PORT": text})


def test_a_given_database_needs_its_owner():
    with pytest.raises(StackError, match="DATABASE_OWNER_URL"):
        given({"DATABASE_URL": "postgresql+psycopg://app@/x"})
    both = {"DATABASE_URL": "a", "DATABASE_OWNER_URL": "b", "REDIS_URL": ""}
    assert given(both).servers == {"DATABASE_URL": "a", "DATABASE_OWNER_URL": "b"}


def test_a_part_takes_settings_and_nothing_else():
    assert application_variables({"TB_ENV": "test", "REDIS_URL": "r", "HOME": "/h"}) == {
        "TB_ENV": "test",
        "REDIS_URL": "r",
    }
