"""The services as a mini-program sees them."""

import pytest

from handlers.gateway import consents
from tests.support.citizen_steps import APP
from tests.support.gateway import APPLY, CARD, manifest, plain_manifest, publish


@pytest.fixture
def ask(gateway_app, gateway_world):
    client = gateway_app.test_client()
    return lambda path, **headers: client.get(path, headers={"X-App": APP} | headers)


@pytest.fixture
def live(gateway_world) -> dict[str, str]:
    return {
        "card": publish(manifest("https://one.example.gov.cn")),
        "state": publish(plain_manifest("https://two.example.gov.cn", regions=["990100000000"])),
    }


def slugs(answer) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [one["slug"] for one in answer.json["items"]]


def test_a_service_says_what_it_needs(ask, live):
    shown = ask(f"/v1/services/{live['card']}").json
    assert shown["need"] == {"level": "L3", "max_age_s": None, "consent": f"service:{live['card']}"}
    assert shown["name"] == {"zh": "社会保障卡补领", "en": "Replace a lost social security card"}
    assert shown["given"] == [{"name": "name", "purpose": "制卡"}, {"name": "id_number", "purpose": "核对参保信息"}]
    assert [(one["method"], one["path"], one["write"]) for one in shown["operations"]] == [
        ("GET", CARD["path"], False), ("POST", APPLY["path"], True),
    ]  # fmt: skip


def test_nothing_of_how_it_is_reached_is_shown(ask, live):
    for answer in (ask("/v1/services"), ask(f"/v1/services/{live['card']}")):
        text = answer.get_data(as_text=True)
        assert not [word for word in ("example.gov.cn", "ebus", "tif", "credential", "audience") if word in text]


def test_services_are_listed_by_region(ask, live):
    assert slugs(ask("/v1/services")) == ["card-state", "card-replace"]
    assert slugs(ask("/v1/services?region=990101000000")) == ["card-state", "card-replace"]
    assert slugs(ask("/v1/services?region=990200000000")) == ["card-replace"]
    assert slugs(ask("/v1/services?region=110000000000")) == []


def test_pages_fit_together(ask, live):
    first = ask("/v1/services?limit=1").json
    second = ask(f"/v1/services?limit=1&cursor={first['next_cursor']}").json
    assert [page["items"][0]["slug"] for page in (first, second)] == ["card-state", "card-replace"]
    assert second["next_cursor"] is None


def test_an_unchanged_list_is_not_sent_twice(ask, live):
    tag = ask("/v1/services").headers["ETag"]
    assert ask("/v1/services", **{"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("service_id", ["sv_01h455vb4pex5vsknk084sn02q", "nothing", "%2e%2e"])
def test_an_unknown_service_is_not_found(ask, live, service_id):
    assert ask(f"/v1/services/{service_id}").status_code == 404


@pytest.mark.parametrize("query", ["region=9", "limit=1000", "cursor=%21", "other=1"])
def test_a_bad_question_is_refused(ask, query):
    assert ask(f"/v1/services?{query}").status_code == 422


def test_the_consent_is_asked_in_words_that_name_recipient_fields_and_purpose(citizen, live):

    text = consents.text_of(f"service:{live['card']}")
    assert "社会保障卡补领" in text.zh
    assert "姓名（用于制卡）" in text.zh
    assert "id number" in text.en
    assert text.recipient == "社会保障卡补领（11990000MB0000001M）"
    assert consents.text_of(f"service:{live['state']}") is None
    assert consents.text_of("service:sv_01h455vb4pex5vsknk084sn02q") is None
    assert citizen().consent(f"service:{live['state']}").status_code == 404
