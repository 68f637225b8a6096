"""The shape of a decrypted push: a table of odd values for every field, and nothing raised but BadShape (C5)."""

import pytest

from app.platforms.wechat.events import BadShape, read_event
from tests.support.wechat_corpus import EVENTS, FINE, ODD
from tests.support.wechat_push import ORIGINAL_ID, SENT


def members(event):
    return SENT | {"Event": event, "List": EVENTS[event]}


def is_fine(name, value):
    return not isinstance(value, bool) and value in FINE.get(name, [])


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "List"])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_top_level(event, name, value):
    given = members(event) | {name: value}
    if is_fine(name, value):
        assert read_event(given, ORIGINAL_ID)
    else:
        with pytest.raises(BadShape):
            read_event(given, ORIGINAL_ID)


@pytest.mark.parametrize(
    ("event", "name"), [(event, name) for event, item in EVENTS.items() for name in item if name != "PopupScene"]
)
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_items(event, name, value):
    given = members(event) | {"List": [{**EVENTS[event], name: value}]}
    if is_fine(name, value):
        assert read_event(given, ORIGINAL_ID)
    else:
        with pytest.raises(BadShape):
            read_event(given, ORIGINAL_ID)


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_the_popup_scene_is_nobodys_business(value):
    item = EVENTS["subscribe_msg_popup_event"] | {"PopupScene": value}
    assert read_event(members("subscribe_msg_popup_event") | {"List": item}, ORIGINAL_ID).data["items"]


def test_unknown_members_are_left_alone():
    item = SENT["List"] | {"NewMember": {"x": 1}}
    assert read_event(SENT | {"Another": [1], "List": item}, ORIGINAL_ID).data["items"][0].keys() == {
        "template_id", "message_id", "ok", "code", "status",
    }  # fmt: skip
