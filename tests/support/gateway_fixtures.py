"""Fixtures for tests of the gateway: the app with its rooms, a fake province, citizens, an upstream that is trusted."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from flask import Flask

from app import factory
from app.platforms import registry as platforms
from identity import real_name
from tests.support import gateway
from tests.support.citizen_steps import ELDER, LI, MINOR, WANG, Phone
from tests.support.gateway import GatewayWorld, MakeCitizen
from tests.support.servers import Servers
from tests.support.upstream import enveloped
from tests.support.upstreams import Upstream, running


@pytest.fixture(scope="session")
def gateway_app() -> Flask:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "ROOMS", ("identity", "identity.staff_room", "handlers.catalogue", "handlers.gateway"))
        return factory.create_app()  # not a yield: the list of rooms must be whole again for the next app


@pytest.fixture
def gateway_world(gateway_app: Flask, db_clean: Servers, monkeypatch: pytest.MonkeyPatch) -> GatewayWorld:
    made = GatewayWorld({LI: "subject-li", WANG: "subject-wang", MINOR: "subject-minor", ELDER: "subject-elder"})
    for capability in ("login", "face"):
        monkeypatch.setattr(platforms, capability, lambda _channel: made)
    monkeypatch.setattr(platforms, "province", lambda: made)
    monkeypatch.setattr(real_name, "ANSWER_GRID_S", 0.001)
    gateway.start(monkeypatch)
    return made


@pytest.fixture
def citizen(gateway_app: Flask, gateway_world: GatewayWorld) -> MakeCitizen:
    """`citizen("openid", at=3, who=LI)`."""
    return partial(gateway.citizen, gateway_app, gateway_world)


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch, gateway_world: GatewayWorld) -> Callable[..., None]:
    """`trust(upstream, ...)`: these may be called."""
    return partial(gateway.start, monkeypatch)


@pytest.fixture
def upstream(trust: Callable[..., None]) -> Iterator[Upstream]:
    """Answers {"card": "ok"} until its `scripts` are changed."""
    with running(enveloped({"card": "ok"})) as made:
        trust(made)
        yield made


@pytest.fixture
def plain(upstream: Upstream) -> str:
    """A live service whose reads tell it nothing of the citizen."""
    return gateway.publish(gateway.plain_manifest(upstream.url()[:-1]))


@pytest.fixture
def personal(upstream: Upstream) -> str:
    """A live service that is told name and number, by ticket and fields."""
    return gateway.publish(gateway.manifest(upstream.url()[:-1]))


@pytest.fixture
def proved(citizen: MakeCitizen, personal: str) -> Phone:
    """A citizen at L3 who has consented to `personal`."""
    phone = citizen(at=3)
    assert phone.consent(f"service:{personal}").status_code == 201
    return phone


__all__ = ["citizen", "gateway_app", "gateway_world", "personal", "plain", "proved", "trust", "upstream"]
