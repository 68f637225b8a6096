import json
import logging

import pytest

from app.core import log


@pytest.fixture
def lines(capsys):
    log.configure()

    def read():
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return read


def test_listed_fields_are_printed_as_json(lines):
    log.get_log("tests").info("case_submitted", object_id="cs_1", n=2)
    (entry,) = lines()
    assert (entry["event"], entry["object_id"], entry["n"], entry["component"]) == (
        "case_submitted",
        "cs_1",
        2,
        "tests",
    )


def test_a_field_that_is_not_on_the_list_is_dropped_and_named(lines):
    log.get_log("tests").info("case_submitted", id_number="990101199003070015")
    (entry,) = lines()
    assert "990101199003070015" not in json.dumps(entry)
    assert "id_number" in entry["reason"]


def test_an_exception_shows_its_class_and_place_but_not_its_text(lines):
    try:
        raise ValueError("canary 990101199003070015")
    except ValueError as error:
        log.get_log("tests").error("unhandled", exc_info=error)
    (entry,) = lines()
    assert entry["error"] == "ValueError"
    assert entry["where"].startswith("test_log.py:")
    assert "canary" not in json.dumps(entry)


def test_another_librarys_record_keeps_its_template_and_loses_its_arguments(lines):
    logging.getLogger("somebody").warning("sent %s", "canary-token")
    (entry,) = lines()
    assert entry["event"] == "sent %s"
    assert "canary-token" not in json.dumps(entry)


@pytest.mark.parametrize("name", ["urllib3", "requests", "wechatpy"])
def test_chatty_libraries_stay_at_info_even_under_debug(name, monkeypatch):
    monkeypatch.setattr(log, "get_settings", lambda: type("S", (), {"log_level": "DEBUG"})())
    log.configure()
    assert logging.getLogger(name).level == logging.INFO


def test_the_request_id_rides_along(lines):
    token = log.request_id.set("req-12345678")
    try:
        log.get_log("tests").info("x")
    finally:
        log.request_id.reset(token)
    assert lines()[0]["request_id"] == "req-12345678"
