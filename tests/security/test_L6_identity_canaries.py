"""L6, D4, D5: the channel's session key, tokens, names, numbers and openids turn up nowhere they should not.

Every table, every Redis key, every answer and everything printed is searched after a journey at DEBUG.
"""

import logging
from collections.abc import Iterator

import pytest
from flask import Flask

from app.core import kv, log
from app.core.errors import NotSent
from tests.support.citizen_steps import LI, WANG
from tests.support.fake_platforms import SESSION_KEY

OPENID = "openid-canary-93bf"


@pytest.fixture
def answers(identity_app: Flask) -> Iterator[list[tuple[str, str]]]:
    """Path and text of every answer the app gives."""
    seen: list[tuple[str, str]] = []

    def keep(response):
        seen.append((response.status, response.get_data(as_text=True) + str(response.headers)))
        return response

    identity_app.after_request_funcs.setdefault(None, []).append(keep)
    yield seen
    identity_app.after_request_funcs[None].remove(keep)


def journey(phone, world):
    caller = phone(OPENID).to_l2(LI)
    caller.real_name(("李鬼", LI[1]))
    world.trouble["two_factor"] = NotSent("refused")
    caller.real_name(LI)
    world.trouble.clear()
    caller.to_l3(LI)
    phone("openid-second").to_l3(LI)
    phone("openid-third").to_l2(WANG)
    caller.log_in("used.code-canary")
    caller.log_in("used.code-canary")
    caller.send("DELETE", "/v1/sessions/current")
    return caller


def everything_stored(rows) -> str:
    tables = [
        row[0]
        for row in rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    ]
    stored = [str(rows(f"SELECT * FROM {table}")) for table in tables if table != "alembic_version"]  # noqa: S608  catalogue names
    return "\n".join(stored)


def everything_hot() -> str:
    found = []
    for key in kv.client().scan_iter("*"):
        kind = kv.client().type(key)
        found.append(repr((key, kv.client().dump(key) if kind != b"string" else kv.client().get(key))))
    return "\n".join(found)


@pytest.fixture
def at_debug() -> Iterator[None]:
    level = logging.root.level
    logging.root.setLevel(logging.DEBUG)
    yield
    logging.root.setLevel(level)


def test_no_canary_sings(phone, world, rows, answers, capfd, at_debug):
    caller = journey(phone, world)
    printed = capfd.readouterr()
    places = {
        "the database": everything_stored(rows),
        "Redis": everything_hot(),
        "the log": printed.out + printed.err,
        "an answer": "\n".join(text for _, text in answers),
    }
    assert len(answers) > 20
    assert "request" in places["the log"]
    canaries = {
        "session key": SESSION_KEY, "openid": OPENID, "name": LI[0], "wrong name": "李鬼", "number": LI[1],
        "birth date": "19900307", "subject": "subject-li", "provider ref": "provider-vf_",
    }  # fmt: skip
    for what, canary in canaries.items():
        for where, text in places.items():
            if (what, where) == ("provider ref", "an answer"):
                continue  # the client needs it to run the flow, and gets it in the answer that starts it
            assert canary not in text, f"{what} in {where}"
    for where in ("the database", "Redis", "the log"):
        assert caller.token not in places[where], where


def test_a_failure_on_our_side_says_nothing_either(phone, world, capfd, answers):
    caller = phone(OPENID)
    caller.consent("real_name")
    world.during["two_factor"] = lambda: (_ for _ in ()).throw(ValueError(f"{LI[0]} {LI[1]}"))
    assert caller.real_name(LI).status_code == 500
    printed = capfd.readouterr()
    for text in (printed.err, printed.out, answers[-1][1]):
        assert LI[0] not in text
        assert LI[1] not in text
    assert "unhandled" in printed.err


def test_equal_values_rest_as_different_texts(phone, rows):
    phone("openid-a").to_l2(LI)
    phone("openid-b").to_l2(LI)
    sealed = rows("SELECT name_sealed, id_number_sealed FROM citizens")
    assert len({row[0] for row in sealed}) == len({row[1] for row in sealed}) == 2
    assert log.ALLOWED.isdisjoint({"openid", "token", "id_number", "code_value", "body"})
