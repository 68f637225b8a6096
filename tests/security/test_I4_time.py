"""I4: birth dates are dates, instants are UTC, and no date anybody sends breaks anything."""

from datetime import UTC, date, datetime

import pytest

from app.core import chinaid, clock
from app.core.chinaid import BadIdNumber
from app.core.errors import PlatformGarbled
from app.platforms.province import reading
from app.platforms.wechat.events import BadShape, read_event

TODAY = date(2026, 6, 15)
ORIGINAL = "gh_0123456789ab"


def number(born: str) -> str:
    first17 = f"990101{born}001"
    return first17 + chinaid.id_check(first17)


@pytest.mark.parametrize("born", ["19880501", "19860504", "19910915", "20000229", "19000101", "20260615"])
def test_a_birth_date_is_the_day_it_says_whatever_summer_time_there_was(born):
    read = chinaid.read_id_number(number(born), TODAY)
    assert read.birth_on == date(int(born[:4]), int(born[4:6]), int(born[6:]))


@pytest.mark.parametrize(
    ("born", "reason"),
    [
        ("20260616", "future"), ("99991231", "future"), ("19000229", "date"), ("20250229", "date"),
        ("20001301", "date"), ("20000100", "date"), ("00000101", "date"), ("18991231", "date"),
    ],
)  # fmt: skip
def test_an_impossible_day_is_named(born, reason):
    with pytest.raises(BadIdNumber) as caught:
        chinaid.read_id_number(number(born), TODAY)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (datetime(1988, 5, 1, 15, 59, tzinfo=UTC), "1988-05-01 23:59"),  # summer time then; an offset says it all
        (datetime(2016, 12, 31, 15, 59, 59, tzinfo=UTC), "2016-12-31 23:59"),
        (datetime(2016, 12, 31, 16, 0, tzinfo=UTC), "2017-01-01 00:00"),
        (datetime(2024, 2, 28, 16, 0, tzinfo=UTC), "2024-02-29 00:00"),
        (datetime(9999, 12, 31, 15, 59, tzinfo=UTC), "9999-12-31 23:59"),
    ],
)
def test_an_instant_is_shown_in_beijing(instant, shown):
    assert clock.to_beijing(instant) == shown


@pytest.mark.parametrize("value", [10**17, 10**18, 2**63, -1, 1.5, True, "1781539563000", None, float("inf")])
def test_an_instant_of_the_province_that_is_none_is_garbled(value):
    with pytest.raises(PlatformGarbled):
        reading.instant("case", {"at": value}, "at")


def test_an_instant_of_the_province_is_exact_to_the_millisecond():
    assert reading.instant("case", {"at": 1_483_228_799_999}, "at") == datetime(
        2016, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "created", ["9" * 19, 2**63, 4_102_444_801, "2016-12-31T23:59:60Z", "１７８１５３９５６３", -1, ""]
)
def test_a_time_of_wechat_that_is_none_is_no_event(created):
    members = {
        "ToUserName": ORIGINAL, "FromUserName": "openid-a", "CreateTime": created, "MsgType": "event", "Event": "other",
    }  # fmt: skip
    with pytest.raises(BadShape):
        read_event(members, ORIGINAL)
