"""Reply envelopes: province.md 2.14."""

import pytest

from app.platforms.schemes.base import ENVELOPES, BadEnvelope, unwrap


@pytest.mark.parametrize(
    ("name", "reply", "data"),
    [
        ("tif", {"errcode": 0, "errmsg": "ok", "data": {"a": 1}}, {"a": 1}),
        ("province", {"code": 0, "message": "ok", "data": [1]}, [1]),
        ("zlb-ticket", {"success": True, "data": {"accessToken": "t"}}, {"accessToken": "t"}),
        ("mzt", {"success": "true", "data": '{"USER_ID":"1"}'}, {"USER_ID": "1"}),
        ("mzt", {"success": True, "data": {"USER_ID": "1"}}, {"USER_ID": "1"}),
        ("jis", {"retcode": "000000", "data": '{"token":"t"}'}, {"token": "t"}),
        ("gjgx", {"code": "0"}, None),
        ("licence-app", {"ack_code": "SUCCESS", "errors": [], "data": "x"}, "x"),
    ],
)
def test_success(name, reply, data):
    answer = unwrap(ENVELOPES[name], reply)
    assert answer.ok
    assert answer.data == data


@pytest.mark.parametrize(
    ("name", "reply", "code", "message"),
    [
        ("tif", {"errcode": 41001, "errmsg": "no such service", "data": {"x": 1}}, "41001", "no such service"),
        ("zlb-ticket", {"success": False, "errorMsg": "no"}, "False", "no"),
        ("mzt", {"success": "false"}, "false", ""),
        ("licence-app", {"ack_code": "FAILURE", "errors": ["bad auth_code"]}, "FAILURE", "bad auth_code"),
        ("licence-app", {"ack_code": "FAILURE", "errors": []}, "FAILURE", ""),
    ],
)
def test_a_refusal_carries_code_and_message_but_no_data(name, reply, code, message):
    assert unwrap(ENVELOPES[name], reply) == (False, code, message, None)


@pytest.mark.parametrize(
    "reply", [None, [], "ok", 0, {}, {"errcode": None}, {"errcode": {}}, {"errcode": [0]}, {"data": {}}]
)
def test_a_reply_without_verdict_is_never_a_yes(reply):
    with pytest.raises(BadEnvelope):
        unwrap(ENVELOPES["tif"], reply)


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("tif", {"errcode": "0"}),
        ("tif", {"errcode": False}),
        ("tif", {"errcode": True}),
        ("tif", {"errcode": 0.0}),
        ("zlb-ticket", {"success": 1}),
        ("zlb-ticket", {"success": "true"}),
        ("jis", {"retcode": 0}),
    ],
)
def test_a_verdict_of_another_type_is_neither_a_yes_nor_a_no(name, reply):
    with pytest.raises(BadEnvelope):
        unwrap(ENVELOPES[name], reply)


@pytest.mark.parametrize("data", ["{", "[" * 100_000])
def test_data_text_that_is_no_json(data):
    with pytest.raises(BadEnvelope):
        unwrap(ENVELOPES["jis"], {"retcode": "000000", "data": data})
