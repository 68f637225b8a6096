"""C1, C3, C4, C5, C7 for WeChat's message push: nothing malformed is accepted, and nothing can be learned from refusals."""

import base64
import json
import random

import pytest

from app.core import inbound
from app.core.inbound import Forged, Malformed
from app.platforms.wechat import callbacks, xmlguard
from config.settings import WechatApp
from tests.support import wechat_corpus
from tests.support import wechat_push as push

CORPUS = [json.loads(line) for line in wechat_corpus.FILE.read_text("utf-8").splitlines()]
CLASSES = {"forged": Forged, "malformed": Malformed}


@pytest.fixture(autouse=True)
def _vector_app(monkeypatch):
    push.serve(monkeypatch)


def outcome(request):
    """The class of the refusal; a push that is accepted, or any other exception, fails the test by itself."""
    try:
        callbacks.verify(request)
    except (Forged, Malformed) as refused:
        return type(refused)
    return "accepted"


def test_the_corpus_is_large_and_is_what_its_generator_makes():
    assert len(CORPUS) >= 1000
    assert json.loads(json.dumps(wechat_corpus.cases())) == CORPUS


def test_what_the_corpus_spoils_is_accepted_when_left_alone():
    for event in wechat_corpus.EVENTS:
        assert callbacks.verify(wechat_corpus.build({"event": event}))


def test_c1_every_line_is_refused_in_its_class():
    wrong = [case["why"] for case in CORPUS if outcome(wechat_corpus.build(case)) is not CLASSES[case["expect"]]]
    assert wrong == []


def reasons(cases):
    found = set()
    for case in cases:
        with pytest.raises(Malformed) as refused:
            callbacks.verify(wechat_corpus.build(case))
        found.add(refused.value.reason)
    return found


def test_c3_everything_behind_a_good_signature_is_one_word():
    assert reasons(case for case in CORPUS if case["expect"] == "malformed") == {"unreadable"}


def ciphertexts():
    dice = random.Random(3)  # noqa: S311  the same four thousand each time
    for _ in range(2000):
        yield dice.randbytes(16 * dice.randrange(1, 40))
    genuine = push.encrypt(push.plaintext(push.message(push.SENT)))
    for _ in range(2000):
        spoilt = bytearray(genuine)
        spoilt[dice.randrange(len(spoilt))] ^= 1 << dice.randrange(8)
        yield bytes(spoilt)


def test_c3_random_and_flipped_ciphertexts_get_one_answer():
    replies = set()
    for raw in ciphertexts():
        encrypted = base64.b64encode(raw).decode()
        request = push.inbound(push.query(encrypted), push.body(encrypted))
        replies.add(inbound.receive(request, callbacks.verify))
    assert replies == {inbound.NOT_UNDERSTOOD}


def test_c3_every_forgery_gets_one_answer():
    lines = [case for case in CORPUS if case["expect"] == "forged"]
    assert {inbound.receive(wechat_corpus.build(case), callbacks.verify) for case in lines} == {inbound.REFUSED}


NESTED = "<xml>" + "<a>" * 200_000
XML_ATTACKS = [text for text in wechat_corpus.OUTER_XML if len(text) > 100]


@pytest.mark.parametrize("attack", XML_ATTACKS, ids=range(len(XML_ATTACKS)))
def test_c4_an_xml_attack_costs_little_and_is_refused(attack, monkeypatch):
    started = []
    real = xmlguard._Limited.start
    monkeypatch.setattr(xmlguard._Limited, "start", lambda self, *args: started.append(1) or real(self, *args))
    assert outcome(push.inbound(push.query("A"), attack.encode())) is Forged
    assert outcome(push.genuine(attack.encode())) is Malformed
    # Cost is held by what the parser may do, not by a clock: two readings, each at most one element past the limit,
    # and the three elements of the genuine envelope around the second.
    assert len(started) <= 2 * (xmlguard.MAX_ELEMENTS + 1) + 3


def test_c4_two_hundred_thousand_tags_end_at_the_size_cap():
    assert outcome(push.inbound(push.query("A"), NESTED.encode())) is Forged
    assert inbound.receive(push.inbound(push.query("A"), NESTED.encode()), callbacks.verify) == inbound.TOO_LARGE


def app(letter, **same):
    fields = {
        "app_id": f"wx{letter * 16}",
        "secret": letter * 32,
        "push_token": f"token-{letter}",
        "push_aes_key": letter * 43,
        "original_id": f"gh_{letter * 12}",
    }
    return WechatApp(**(fields | same))


def delivered(sender, route):
    members = push.SENT | {"ToUserName": sender.original_id}
    encrypted = push.sealed(members, sender)
    request = push.inbound(
        push.query(encrypted, token=sender.push_token.get_secret_value()), push.body(encrypted), route.app_id
    )
    return outcome(request)


def test_c7_every_pair_of_apps_is_kept_apart(monkeypatch):
    apps = [app("a"), app("b"), app("c")]
    push.serve(monkeypatch, *apps)
    for sender in apps:
        for route in apps:
            assert delivered(sender, route) == ("accepted" if sender is route else Forged)


@pytest.mark.parametrize(
    "shared",
    [
        {"push_token": "one-token"},
        {"push_token": "one-token", "push_aes_key": "d" * 43},
        {"push_token": "one-token", "push_aes_key": "d" * 43, "original_id": "gh_dddddddddddd"},
    ],
)
def test_c7_shared_keys_do_not_mix_apps_up(monkeypatch, shared):
    first, second = app("a", **shared), app("b", **shared)
    push.serve(monkeypatch, first, second)
    assert delivered(first, second) is Malformed
    assert delivered(second, first) is Malformed


def test_c7_another_account_inside_is_refused(monkeypatch):
    served = app("a")
    push.serve(monkeypatch, served)
    members = push.SENT | {"ToUserName": "gh_bbbbbbbbbbbb"}
    encrypted = push.sealed(members, served)
    request = push.inbound(push.query(encrypted, token="token-a"), push.body(encrypted), served.app_id)
    assert outcome(request) is Malformed
