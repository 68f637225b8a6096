"""D1, D5: the alarm itself: it rings for each kind of value, in each kind of log, and stays silent for honest lines."""

import logging
import os

import pytest

from app.core import log
from tests.support import canaries

SILENT = [
    "case_submitted cs_01j00000000000000000000000",
    "990101",
    "20260615230600123456",
    "tb:lim:take:0123456789abcdef",
    "号码不匹配",
]
LOUD = ["990101199003070015", "99010119900307001X", "李明", "tbs_0123456789abcdefghijklmnopqrstuv", "announced-value"]


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """As the root conftest does, and taken back if it had not."""
    factory = logging.getLogRecordFactory()
    if factory is logging.LogRecord:
        canaries._watch_records()
    for kind in canaries.SINKS:
        for name in ("msg", "debug", "info", "warning", "error"):
            monkeypatch.setattr(kind, name, getattr(kind, name))
        canaries._watch_lines(kind)
    monkeypatch.setattr(canaries, "_announced", canaries._announced | {"announced-value"})
    yield
    logging.setLogRecordFactory(factory)
    canaries.hits.clear()


@pytest.mark.parametrize("value", LOUD)
def test_our_own_log_rings(value):
    with pytest.raises(pytest.fail.Exception):
        log.get_log("test").error("x", reason=value)
    assert canaries.hits


@pytest.mark.parametrize("value", LOUD)
def test_another_library_s_log_rings_even_if_swallowed(value):
    try:
        logging.getLogger("some.library").warning(value)
    except BaseException:  # noqa: BLE001  the worst code under test there could be
        assert True
    assert canaries.hits


@pytest.mark.parametrize("value", SILENT)
def test_honest_lines_pass(value):
    log.get_log("test").error("x", reason=value)
    logging.getLogger("some.library").warning(value)
    assert canaries.hits == []


def test_what_no_sink_prints_is_no_hit():
    """Arguments of other libraries' records never reach a sink."""
    logging.getLogger("urllib3").warning("GET %s", "https://x/?secret=990101199003070015")
    assert canaries.hits == []


def test_secrets_of_the_settings_are_known():
    secrets = [value for name, value in os.environ.items() if name == "TB_AUDIT_KEY"]
    assert list(canaries._secrets_in(secrets[0])) == secrets
    apps = os.environ["TB_WECHAT_APPS"]
    found = list(canaries._secrets_in(apps))
    assert len(found) >= 3
    assert not any(value.startswith(("wx", "gh_")) for value in found)


@pytest.mark.parametrize("name", ["urllib3", "requests", "wechatpy", "urllib3.connectionpool"])
def test_loggers_that_speak_of_secrets_are_capped(name):
    log.configure()
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
