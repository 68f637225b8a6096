"""C7: a genuine callback of one app, delivered to another's route, is refused there and does nothing."""

import json

import pytest

from config.settings import get_settings
from tests.support import calling_back
from tests.support.citizen_fixtures import PROGRESS

OTHER = {
    "app_id": "wxfedcba9876543210", "secret": "f" * 32, "push_token": "another-token-1234",
    "push_aes_key": "B" * 42 + "A", "original_id": "gh_ba9876543210",
}  # fmt: skip


@pytest.fixture
def two_apps(citizen_app, town, monkeypatch):
    """Two mini-programs in the settings; each has its own token and key."""
    here = get_settings().wechat_apps[0]
    shown = here.model_dump() | {
        name: getattr(here, name).get_secret_value() for name in ("secret", "push_token", "push_aes_key")
    }
    monkeypatch.setenv("TB_WECHAT_APPS", json.dumps([shown, OTHER]))
    get_settings.cache_clear()
    yield get_settings().wechat_apps
    get_settings.cache_clear()


def test_C7_every_pair(citizen_app, two_apps, rows):
    client = citizen_app.test_client()
    for sender in two_apps:
        for receiver in two_apps:
            answer = calling_back.popup("o-1", PROGRESS, app=sender, to_app=receiver.app_id).send(client)
            assert answer.status_code == (200 if sender is receiver else 403)
    assert rows("SELECT count(*) FROM inbound_events")[0][0] == 2


def test_C7_the_same_token_does_not_make_it_the_same_app(citizen_app, two_apps, rows):
    """Two apps that share token and key by carelessness: the id inside the ciphertext still decides."""
    one, other = two_apps
    careless = one.model_copy(update={"push_token": other.push_token, "push_aes_key": other.push_aes_key})
    answer = calling_back.popup("o-1", PROGRESS, app=careless, to_app=other.app_id).send(citizen_app.test_client())
    assert answer.status_code == 400
    assert rows("SELECT count(*) FROM inbound_events")[0][0] == 0


def test_C7_a_wechat_push_at_the_province_s_door_and_the_other_way_round(citizen_app, town, rows):
    client = citizen_app.test_client()
    push, event = calling_back.popup("o-1", PROGRESS), calling_back.province("N")
    crossed = calling_back.replace(push, path=event.path), calling_back.replace(event, path=push.path)
    assert [call.send(client).status_code for call in crossed] == [403, 403]
    assert rows("SELECT count(*) FROM inbound_events")[0][0] == 0


def test_C7_an_event_of_one_app_gives_no_grant_in_another(citizen_app, two_apps, mini, rows):
    mini("o-1")
    calling_back.popup("o-1", PROGRESS, app=two_apps[1]).send(citizen_app.test_client())
    assert rows("SELECT count(*) FROM message_grants")[0][0] == 0
