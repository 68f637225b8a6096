"""I3: a hundred rare names, each as given from the API to the authority, the database and a service; look-alikes apart."""

import itertools
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core import chinaid, limits
from app.core.db import transaction
from identity import pii
from tests.support import gateway
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, trust, upstream
from tests.support.upstream import received

__all__ = ["citizen", "gateway_app", "gateway_world", "trust", "upstream"]

NAMES = [
    line
    for line in (Path(__file__).parents[1] / "data" / "names.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]
# What NFC or NFKC would make of a name, and what looks like it.
LOOK_ALIKES = [
    ("\ufa19田", "\u795e田"),
    ("\uf91d某", "\u6b04某"),
    ("李明", "李朙"),
    ("王芳", "王芳芳"),
    ("A明", "Ａ明"),
]
SAME_PERSON = [("阿卜杜拉·买买提", "阿卜杜拉•买买提"), ("卓玛‧央金", "卓玛·央金")]

_serial = itertools.count(1)


def number() -> str:
    first17 = f"99010119700101{next(_serial):03d}"
    return first17 + chinaid.id_check(first17)


@pytest.fixture
def generous(monkeypatch):
    monkeypatch.setattr(limits, "bucket_args", lambda _action: (1, 10**9))


@pytest.fixture
def telling(gateway_world, upstream) -> str:
    """A service at L2 that is told the citizen's name and nothing else."""
    document = gateway.manifest(
        upstream.url()[:-1], operations=[gateway.APPLY], identity="none", min_level="L2",
        fields=[{"name": "name", "purpose": "制卡"}],
    )  # fmt: skip
    return gateway.publish(document)


def test_I3_every_name_arrives_as_it_was_given(generous, citizen, gateway_world, telling, upstream):
    for at, name in enumerate(NAMES):
        who = (name, number())
        gateway_world.people[who] = f"subject-{at}"
        phone = citizen(f"openid-{at}", at=2, who=who)  # the authority knows exactly this name, or there is no L2
        citizen_id = phone.me()["citizen_id"]
        with transaction() as db:
            kept = pii.declared_fields(db, citizen_id, ("name",))["name"]
        assert kept == name
        assert phone.consent(f"service:{telling}").status_code == 201
        told = gateway.call(phone, telling, "POST", "/cards", {}, Idempotency_Key=f"rare-name-{at:04d}")
        assert told.status_code == 200, (name, told.json)
    heard = [json.loads(request.body)["subject"]["name"] for request in received(upstream)]
    assert heard == NAMES
    with transaction() as db:
        assert db.execute(text("SELECT count(DISTINCT name_sealed) FROM citizens")).scalar_one() == len(NAMES)


@pytest.mark.parametrize(("registered", "typed"), LOOK_ALIKES)
def test_I3_a_look_alike_is_somebody_else(generous, citizen, gateway_world, registered, typed):
    who = (registered, number())
    gateway_world.people[who] = "subject-x"
    phone = citizen("openid-x")
    phone.consent("real_name")
    answer = phone.real_name((typed, who[1]))
    assert (answer.status_code, answer.json["code"]) == (422, "identity_not_matched")
    assert phone.real_name(who).status_code == 201


@pytest.mark.parametrize(("registered", "typed"), SAME_PERSON)
def test_I3_what_is_typed_goes_to_the_authority_untouched(generous, citizen, gateway_world, registered, typed):
    """We do not repair a name on the way: the authority folds what it folds, and we fold for comparing only."""
    who = (typed, number())
    gateway_world.people[who] = "subject-y"
    assert citizen("openid-y", at=2, who=who).me()["level"] == "L2"


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b", "张\u0000三", "张\n三", "\u202e三张", "\ue000", "\ud800", "三" * 65]
)
def test_I3_what_is_no_name_never_reaches_the_authority(generous, citizen, gateway_world, name):
    phone = citizen("openid-z")
    phone.consent("real_name")
    body = json.dumps({"method": "real_name", "name": name, "id_number": number()})
    answer = phone.client.post(
        "/v1/me/verifications", data=body, content_type="application/json",
        headers={"X-App": phone.app, "Authorization": f"Bearer {phone.token}", "Idempotency-Key": "no-name-0001"},
    )  # fmt: skip
    assert answer.status_code in (400, 422), answer.json
    assert gateway_world.calls["two_factor"] == 0
