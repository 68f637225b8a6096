"""L3: an openid names somebody within one app of one channel; nothing but a verified person joins two accounts."""

import pytest

from config.settings import Settings
from tests.support.citizen_steps import LI, WANG

APPS = ("wechat/wx0123456789abcdef", "wechat/wxfedcba9876543210", "alipay/2021000000000001")


@pytest.fixture
def three_apps(monkeypatch):
    monkeypatch.setattr(Settings, "knows_app", lambda _self, channel, app_id: f"{channel}/{app_id}" in APPS)


def test_one_openid_in_two_apps_and_two_channels_is_three_people(phone, three_apps):
    phones = [phone("openid-a", app=app) for app in APPS]
    assert len({caller.account_id for caller in phones}) == 3
    assert len({caller.citizen_id for caller in phones}) == 3


def test_a_session_of_one_is_none_of_another(phone, three_apps):
    first, second = (phone("openid-a", app=app) for app in APPS[:2])
    first.token, second.token = second.token, first.token
    assert first.send("GET", "/v1/me").status_code == second.send("GET", "/v1/me").status_code == 401


def test_a_phone_number_joins_nobody(phone):
    caller = phone()
    caller.consent("real_name")
    answer = caller.prove({"method": "real_name", "name": LI[0], "id_number": LI[1], "phone": "10000000000"})
    assert answer.status_code == 422
    assert caller.prove({"method": "phone", "phone": "10000000000"}).status_code == 422


def test_only_the_verified_person_joins_across_channels(phone, three_apps):
    first, second = (phone("openid-a", app=APPS[0]), phone("openid-a", app=APPS[2]))
    first.to_l3(LI)
    second.to_l2(LI)
    assert second.me()["citizen_id"] != first.citizen_id
    other = phone("openid-b", app=APPS[2]).to_l3(WANG)
    assert other.citizen_id != first.citizen_id
    second.to_l3(LI)
    assert second.citizen_id == first.citizen_id
