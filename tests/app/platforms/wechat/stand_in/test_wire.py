"""The stand-in answers in WeChat's words: codes, texts with a rid, odd content types, and the order of its checks."""

import json
import re

import pytest

from config.settings import get_settings

RID = re.compile(r"rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}\Z")
SEND = "/wechat/cgi-bin/message/subscribe/send"


@pytest.fixture
def wire(sandbox):
    return sandbox.app.test_client()


def app():
    return get_settings().wechat_apps[0]


def secret():
    return app().secret.get_secret_value()


def told(answer):
    assert answer.status_code == 200
    return json.loads(answer.data)


def stable(wire, **changes):
    body = {"grant_type": "client_credential", "appid": app().app_id, "secret": secret()} | changes
    return told(wire.post("/wechat/cgi-bin/stable_token", json={k: v for k, v in body.items() if v is not None}))


def plain(wire, **changes):
    query = {"grant_type": "client_credential", "appid": app().app_id, "secret": secret()} | changes
    return told(wire.get("/wechat/cgi-bin/token", query_string=query))


def send(wire, token, body=None, method="POST"):
    query = {"access_token": token} if token is not None else {}
    data = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
    return told(wire.open(SEND, method=method, query_string=query, data=data))


def login(wire, **changes):
    query = {"appid": app().app_id, "secret": secret(), "js_code": "x", "grant_type": "authorization_code"} | changes
    return wire.get("/wechat/sns/jscode2session", query_string=query)


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"grant_type": "x"}, 40002),
        ({"appid": None}, 41002),
        ({"appid": "wxffffffffffffffff"}, 40013),
        ({"secret": None}, 41004),
        ({"secret": "wrong"}, 40125),
    ],
)
def test_stable_token_refuses_in_wechats_order(wire, changes, errcode):
    assert stable(wire, **changes)["errcode"] == errcode


def test_stable_token_is_a_post(wire):
    assert told(wire.get("/wechat/cgi-bin/stable_token"))["errcode"] == 43002


def test_stable_token_repeats_itself_and_counts_down(sandbox, wire):
    first = stable(wire)
    sandbox.control("POST", "clock", advance_s=1000)
    again = stable(wire)
    assert again["access_token"] == first["access_token"]
    assert len(first["access_token"]) == 512
    assert "errcode" not in first
    assert 6100 < again["expires_in"] <= first["expires_in"] - 1000


def test_stable_token_is_renewed_in_its_last_five_minutes_and_both_live(sandbox, wire):
    first = stable(wire)["access_token"]
    sandbox.control("POST", "clock", advance_s=6950)
    second = stable(wire)["access_token"]
    assert second != first
    assert {send(wire, token)["errcode"] for token in (first, second)} == {40003}
    sandbox.control("POST", "clock", advance_s=300)
    assert send(wire, first)["errcode"] == 42001
    assert send(wire, second)["errcode"] == 40003


def test_forcing_kills_the_old_one_but_not_twice_within_thirty_seconds(sandbox, wire):
    first = stable(wire)["access_token"]
    second = stable(wire, force_refresh=True)["access_token"]
    assert stable(wire, force_refresh=True)["access_token"] == second != first
    assert send(wire, first)["errcode"] == 40001
    sandbox.control("POST", "clock", advance_s=31)
    assert stable(wire, force_refresh=True)["access_token"] != second


def test_forcing_is_counted_by_the_day(sandbox, wire):
    tokens = set()
    for _ in range(25):
        sandbox.control("POST", "clock", advance_s=31)
        tokens.add(stable(wire, force_refresh=True)["access_token"])
    assert len(tokens) == 20


def test_plain_tokens_are_new_each_time_and_overlap_for_five_minutes(sandbox, wire):
    first, second = plain(wire)["access_token"], plain(wire)["access_token"]
    assert first != second
    assert send(wire, first)["errcode"] == 40003
    sandbox.control("POST", "clock", advance_s=301)
    assert send(wire, first)["errcode"] == 42001
    assert send(wire, second)["errcode"] == 40003


def test_the_two_kinds_leave_each_other_alone(wire):
    kept = stable(wire)["access_token"]
    plain(wire)
    plain(wire)
    assert stable(wire)["access_token"] == kept
    assert send(wire, kept)["errcode"] == 40003


@pytest.mark.parametrize(
    ("token", "errcode"), [(None, 41001), ("", 41001), ("short", 40014), ("!" * 512, 40014), ("a" * 512, 40001)]
)
def test_a_token_is_asked_for_before_anything_else(wire, token, errcode):
    assert send(wire, token, b"not json")["errcode"] == errcode


@pytest.mark.parametrize(
    ("body", "errcode"),
    [(b"", 44002), (b"{", 47001), (b"\xff", 47001), (b"[]", 47001), (b"{}", 40003), (b'{"touser":"o"}', 40037)],
)
def test_then_the_body(wire, body, errcode):
    assert send(wire, stable(wire)["access_token"], body)["errcode"] == errcode


def test_a_wrong_method_has_its_own_code(wire):
    assert send(wire, stable(wire)["access_token"], method="PUT")["errcode"] == 43002


@pytest.mark.parametrize("path", ["cgi-bin/nothing", "sns/x", "wxa/getwxacode", "cityservice/face/identify/getimage"])
def test_an_unknown_path_is_an_invalid_url(wire, path):
    assert told(wire.post(f"/wechat/{path}"))["errcode"] == 40066


def test_every_message_ends_in_a_rid(wire):
    for answer in (told(login(wire)), stable(wire, secret="no"), send(wire, None)):
        assert RID.search(answer["errmsg"])


def test_login_answers_as_plain_text_without_an_errcode(sandbox, wire):
    minted = sandbox.control("POST", "wechat/codes", user="elder")
    answer = login(wire, js_code=minted["code"])
    assert answer.content_type == "text/plain"
    assert set(told(answer)) == {"session_key", "openid", "unionid"}
    assert re.fullmatch(r"o[A-Za-z0-9_-]{27}", minted["openid"])


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"appid": ""}, 41002),
        ({"appid": "wxffffffffffffffff"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "no"}, 40125),
        ({"grant_type": "x"}, 40002),
        ({}, 40029),
    ],
)
def test_login_refuses_in_wechats_order(wire, changes, errcode):
    assert told(login(wire, **changes))["errcode"] == errcode


def test_nothing_secret_is_in_the_journal(sandbox, wire):
    token = stable(wire)["access_token"]
    send(wire, token)
    login(wire)
    kept = json.dumps(sandbox.journal())
    assert token not in kept
    assert secret() not in kept
