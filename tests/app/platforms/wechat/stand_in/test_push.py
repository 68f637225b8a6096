"""What the stand-in pushes, our callback takes: every event, both formats, and the tricks it can be told to play."""

import pytest

from app.core.inbound import Forged, Inbound
from app.platforms.base import CallbackKind
from app.platforms.wechat import callbacks
from app.platforms.wechat.stand_in.templates import CASE_PROGRESS, NOTICE, TEMPLATES
from tests.support.surroundings import WECHAT_APP_ID
from tests.support.wait import until

ANSWERS = {CASE_PROGRESS: "accept", NOTICE: "reject"}


def as_inbound(push):
    path, _, query = push.url.partition("?")
    headers = {name.lower(): value for name, value in push.headers.items()}
    return Inbound("wechat", WECHAT_APP_ID, push.method, path, query, headers, push.body)


class Callback:
    """Our callback's verify as the far end of the stand-in's wire."""

    def __init__(self) -> None:
        self.seen = []
        self.refused = []

    def __call__(self, push) -> tuple[int, bytes]:
        try:
            self.seen.append(callbacks.verify(as_inbound(push)))
        except Forged as forged:
            self.refused.append(forged.reason)
            return 403, b"refused"
        return 200, self.seen[-1].reply


@pytest.fixture
def callback(sandbox):
    sandbox.receiver = Callback()
    return sandbox.receiver


def popup(sandbox, answers=ANSWERS):
    sandbox.control("POST", "wechat/subscribe", user="adult", answers=answers)
    sandbox.settle()


@pytest.mark.parametrize("fmt", ["json", "xml"])
@pytest.mark.parametrize("shape", ["object", "array"])
def test_the_popup_reaches_us(sandbox, callback, fmt, shape):
    sandbox.control("POST", "wechat/push", format=fmt, list=shape)
    popup(sandbox)
    popup(sandbox, {NOTICE: "accept"})
    first, second = callback.seen
    assert {item["template_id"]: item["answer"] for item in first.data["items"]} == ANSWERS
    assert (second.kind, len(second.data["items"])) == (CallbackKind.GRANTS, 1)


@pytest.mark.parametrize("fmt", ["json", "xml"])
def test_turning_off_reaches_us(sandbox, callback, fmt):
    sandbox.control("POST", "wechat/push", format=fmt)
    sandbox.control("POST", "wechat/unsubscribe", user="adult", template_id=NOTICE)
    sandbox.settle()
    (seen,) = callback.seen
    assert seen.data["items"] == [{"template_id": NOTICE, "answer": "reject", "source": "change"}]


def test_a_duplicate_has_the_same_event_id_and_another_nonce(sandbox, callback):
    sandbox.fault("dup-callback", "push/wechat/*")
    popup(sandbox)
    first, second = callback.seen
    assert first.event_id == second.event_id
    assert first.nonce != second.nonce


def test_a_repeat_by_hand_has_the_same_event_id(sandbox, callback):
    popup(sandbox)
    sandbox.control("POST", "wechat/push/repeat")
    sandbox.settle()
    assert len({seen.event_id for seen in callback.seen}) == 1
    assert len(callback.seen) == 2


def test_a_forged_push_is_refused_and_its_good_repeat_taken(sandbox, callback):
    sandbox.fault("wrong-sign", "push/wechat/*")
    popup(sandbox)
    assert callback.refused == ["signature"]
    assert len(callback.seen) == 1


def test_a_dropped_push_never_comes(sandbox, callback):
    sandbox.fault("drop", "push/wechat/*")
    popup(sandbox)
    assert callback.seen == []


def test_a_moved_clock_makes_pushes_stale(sandbox, callback):
    sandbox.control("POST", "clock", advance_s=301)
    sandbox.control("POST", "wechat/subscribe", user="adult", answers=ANSWERS)
    until(lambda: callback.refused, "a refused push")
    assert set(callback.refused) == {"stale"}
    assert callback.seen == []


@pytest.mark.parametrize("answers", [{}, [], {"x": "maybe"}, None])
def test_a_popup_without_a_plain_answer_is_refused(sandbox, answers):
    client = sandbox.app.test_client()
    assert client.post("/sim/v1/wechat/subscribe", json={"user": "adult", "answers": answers}).status_code == 400


def test_template_ids_have_the_real_shape():
    assert all(len(name) == 43 and name.replace("-", "").isalnum() for name in TEMPLATES)
    assert TEMPLATES[CASE_PROGRESS].keys == ("thing1", "phrase2", "time3", "character_string4")
