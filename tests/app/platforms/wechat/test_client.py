"""Reading WeChat's answers, and sorting its codes by what to do next."""

import pytest

from app.core.errors import PlatformBusy, PlatformError, PlatformGarbled, PlatformMisconfigured, PlatformRefused
from app.platforms.wechat import client, codes
from app.platforms.wechat.certify import ENDED
from app.platforms.wechat.login import REFUSALS as LOGIN_REFUSALS
from app.platforms.wechat.messages import REFUSALS as SEND_REFUSALS
from app.platforms.wechat.stand_in.wire import TEXTS


def garbled(status, raw):
    with pytest.raises(PlatformGarbled) as error:
        client.read("probe", status, raw)
    return error.value.code


@pytest.mark.parametrize(
    ("raw", "errcode", "stated"),
    [
        (b"{}", 0, False),
        (b'{"errcode":0,"errmsg":"ok"}', 0, True),
        (b'{"errcode":-1,"errmsg":"system error"}', -1, True),
    ],
)
def test_an_absent_errcode_is_a_success_and_is_remembered_as_absent(raw, errcode, stated):
    reply = client.read("probe", 200, raw)
    assert (reply.errcode, reply.stated, reply.ok) == (errcode, stated, errcode == 0)


@pytest.mark.parametrize(
    ("errmsg", "rid"),
    [
        ("invalid code, rid: 68512a3f-1f2e3d4c-5b6a7988", "68512a3f-1f2e3d4c-5b6a7988"),
        ("ok rid: 68512a3f-1f2e3d4c-5b6a7988", "68512a3f-1f2e3d4c-5b6a7988"),
        ("ok", ""),
        ("invalid hint: [abcd]", ""),
        ("rid: 68512a3f-1f2e3d4c-5b6a7988 and more", ""),
        ("rid: 68512A3F-1f2e3d4c-5b6a7988", ""),
    ],
)
def test_the_rid_is_kept(errmsg, rid):
    assert client.read("probe", 200, f'{{"errcode":1,"errmsg":"{errmsg}"}}'.encode()).rid == rid


def test_an_int64_survives():
    assert client.read("probe", 200, b'{"msgid":4067264178917703684}').data == {"msgid": 4067264178917703684}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b"\xff",
        b'{"n":9223372036854775808}',
    ],
)
def test_what_is_no_json_object_is_garbled(raw):
    assert garbled(200, raw).startswith("json_")


@pytest.mark.parametrize("value", ['"0"', "0.0", "true", "null", "[0]", "{}"])
def test_an_errcode_of_another_type_is_garbled(value):
    assert garbled(200, f'{{"errcode":{value}}}'.encode()) == "errcode_type"


@pytest.mark.parametrize("status", [201, 204, 301, 302, 400, 403, 404, 500, 502, 503])
def test_another_http_status_is_garbled_whatever_its_body(status):
    assert garbled(status, b'{"errcode":0}') == f"http_{status}"


def test_the_answers_data_is_not_printed():
    assert "canary" not in repr(client.read("probe", 200, b'{"session_key":"canary"}'))


KINDS = {-1: PlatformBusy, 45011: PlatformBusy, 45009: PlatformBusy, 40001: PlatformMisconfigured, 40125: PlatformMisconfigured,
         40164: PlatformMisconfigured, 48001: PlatformMisconfigured, 40003: PlatformRefused, 47001: PlatformRefused}  # fmt: skip


@pytest.mark.parametrize(("errcode", "kind"), sorted(KINDS.items()))
def test_a_code_says_what_to_do_next(errcode, kind):
    error = codes.failure("probe", errcode, "r")
    assert type(error) is kind
    assert (error.platform, error.operation, error.code, error.trace) == ("wechat", "probe", str(errcode), "r")
    assert (error.retry_after_s > 0) is (kind is PlatformBusy)


def test_an_unforeseen_code_is_a_definite_refusal():
    assert type(codes.failure("probe", 987654)) is PlatformRefused


def test_every_busy_code_says_when_to_come_back():
    assert all((code.wait_s > 0) is (code.kind is PlatformBusy) for code in codes.CODES.values())


def test_every_code_the_stand_in_can_say_is_known_to_us():
    known = set(codes.CODES) | set(LOGIN_REFUSALS) | set(SEND_REFUSALS) | set(ENDED)
    assert set(TEXTS) <= known


def test_every_kind_is_a_leaf_of_the_error_tree():
    assert all(issubclass(code.kind, PlatformError) and code.kind is not PlatformError for code in codes.CODES.values())
