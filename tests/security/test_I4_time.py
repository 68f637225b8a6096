"""I4: a date of birth is a date; an instant is UTC, shown in +08:00; what is no time is refused and never a 500."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.core import chinaid, clock
from app.core.errors import PlatformGarbled
from app.core.inbound import Inbound, Malformed
from app.platforms.province import callbacks, reading
from tests.support import calling_back

TODAY = date(2026, 11, 23)
# In the summers of 1986 to 1991 Shanghai was at UTC+9: an instant at local midnight would be the day before.
SUMMERS = ["19860504", "19860505", "19870412", "19880501", "19890416", "19900415", "19910414", "19910915"]


def number(birth: str) -> str:
    first17 = f"990101{birth}001"
    return first17 + chinaid.id_check(first17)


@pytest.mark.parametrize("birth", [*SUMMERS, "20000229", "20240229", "19000101", "20261123"])
def test_I4_a_day_of_birth_is_that_day(birth):
    read = chinaid.read_id_number(number(birth), TODAY)
    assert read.birth_on.strftime("%Y%m%d") == birth


@pytest.mark.parametrize(
    ("birth", "reason"),
    [
        ("19000229", "date"), ("20230229", "date"), ("19900431", "date"), ("19901301", "date"), ("19900100", "date"),
        ("00010101", "date"), ("18991231", "date"), ("20261124", "future"), ("99991231", "future"),
    ],
)  # fmt: skip
def test_I4_a_day_that_never_was_is_refused(birth, reason):
    with pytest.raises(chinaid.BadIdNumber) as refused:
        chinaid.read_id_number(number(birth), TODAY)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (datetime(2026, 6, 15, 15, 59, 59, tzinfo=UTC), "2026-06-15 23:59"),
        (datetime(2026, 6, 15, 16, 0, tzinfo=UTC), "2026-06-16 00:00"),
        (datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC), "2017-01-01 07:59"),
        (datetime(1988, 7, 1, 16, 0, tzinfo=UTC), "1988-07-02 00:00"),
        (datetime(2028, 2, 28, 16, 0, tzinfo=UTC), "2028-02-29 00:00"),
        (datetime(9999, 12, 31, 15, 59, tzinfo=UTC), "9999-12-31 23:59"),
    ],
)
def test_I4_an_instant_is_shown_in_beijing(instant, shown):
    assert clock.to_beijing(instant) == shown
    assert clock.to_beijing(instant.astimezone(clock.BEIJING)) == shown
    assert clock.to_wire(instant.astimezone(clock.BEIJING)) == clock.to_wire(instant)


NO_INSTANTS = [
    10**15,
    10**18,
    2**63 - 1,
    253402300800000,
    -1,
    1.5,
    "1750000000000",
    "2016-12-31T23:59:60Z",
    None,
    True,
    [],
]


@pytest.mark.parametrize("value", NO_INSTANTS)
def test_I4_what_is_no_instant_of_the_province_is_refused(value):
    with pytest.raises(PlatformGarbled):
        reading.instant("op", {"at": value}, "at")
    with pytest.raises(Malformed):
        callbacks._instant(value)


@pytest.mark.parametrize("value", [0, 1750000000000, 253402300799000])
def test_I4_an_instant_of_the_province_is_aware_utc(value):
    assert reading.instant("op", {"at": value}, "at").utcoffset() == timedelta(0)
    assert callbacks._instant(value).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("skew_s", "passes"), [(-300, True), (300, True), (-301, False), (301, False), (600, False), (-600, False)]
)
def test_I4_a_host_ten_minutes_off_is_not_believed(skew_s, passes):
    """The window is what two hosts' clocks may differ by; behind it a callback is stale or from the future."""
    sent_s = int(clock.now().timestamp())
    call = calling_back.province("990000202606150001", at_s=sent_s)
    received = datetime.fromtimestamp(sent_s + skew_s, UTC)
    headers = {name.lower(): value for name, value in call.headers.items()}
    arrived = Inbound("province", "events", "POST", call.path, "", headers, call.body, received)
    if passes:
        assert callbacks.verify(arrived).event_id
    else:
        with pytest.raises(callbacks.Forged):
            callbacks.verify(arrived)
