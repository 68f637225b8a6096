"""Names lead to capabilities: every switched-on platform offers what the convention says, in the right shape."""

import inspect

import pytest

from app.platforms import registry
from app.platforms.base import FaceFlow, Login, Messages, Province
from config.platforms import AUTHORITIES, CALLBACKS, CHANNELS

PROTOCOLS = {"login": Login, "messages": Messages, "face": FaceFlow}


def methods(protocol):
    return {
        name: inspect.signature(member)
        for name, member in vars(protocol).items()
        if inspect.isfunction(member) and name[0] != "_"
    }


def assert_offers(offered, protocol):
    for name, signature in methods(protocol).items():
        wanted = list(signature.parameters)[1:]
        assert list(inspect.signature(getattr(offered, name)).parameters) == wanted, name


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("capability", PROTOCOLS)
def test_every_channel_offers_every_capability(channel, capability):
    assert_offers(getattr(registry, capability)(channel), PROTOCOLS[capability])


def test_the_province_offers_its_contract():
    assert set(AUTHORITIES) == {"province"}
    assert_offers(registry.province(), Province)


@pytest.mark.parametrize("platform", CALLBACKS)
def test_every_callback_has_a_verifier(platform):
    assert list(inspect.signature(registry.verifier(platform)).parameters) == ["inbound"]


def test_only_wechat_has_a_probe():
    assert {platform for platform in CALLBACKS if registry.answer_probe(platform)} == {"wechat"}


@pytest.mark.parametrize("look_up", [registry.login, registry.messages, registry.face, registry.verifier])
def test_a_name_that_is_not_switched_on_is_a_key_error(look_up):
    with pytest.raises(KeyError):
        look_up("nowhere")
