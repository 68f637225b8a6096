"""L5: a token travels in one header, rests as a digest, and dies at once everywhere."""

import hashlib

import pytest

from app.factory import create_app
from tests.support.citizen_steps import APP, LI


@pytest.mark.parametrize("name", ["access_token", "token", "session", "authorization", "Access_Token"])
def test_a_token_in_the_url_is_refused_and_not_logged(phone, capfd, name):
    caller = phone()
    capfd.readouterr()
    answer = caller.client.get(f"/v1/me?{name}={caller.token}", headers={"X-App": APP})
    assert (answer.status_code, answer.json["code"]) == (400, "token_in_url")
    assert caller.token not in answer.text
    printed = capfd.readouterr()
    assert caller.token not in printed.out + printed.err


def test_only_the_digest_rests(phone, rows):
    caller = phone()
    assert rows("SELECT token_hash FROM sessions") == [(hashlib.sha256(caller.token.encode()).hexdigest(),)]
    assert caller.token not in str(rows("SELECT * FROM sessions"))


def test_a_revoked_token_is_dead_in_every_worker(phone, monkeypatch):
    caller = phone()
    monkeypatch.setattr("app.factory.ROOMS", ("identity",))
    another_worker = create_app().test_client()
    headers = {"X-App": APP, "Authorization": f"Bearer {caller.token}"}
    assert another_worker.get("/v1/me", headers=headers).status_code == 200
    caller.send("DELETE", "/v1/sessions/current")
    assert another_worker.get("/v1/me", headers=headers).status_code == 401
    assert caller.send("GET", "/v1/me").status_code == 401


def test_no_answer_repeats_the_token(phone):
    caller = phone().to_l3(LI)
    for path in ("/v1/me", "/v1/sessions", "/v1/me/uses", "/v1/me/consents", "/v1/consents"):
        answer = caller.send("GET", path)
        assert answer.status_code == 200
        assert caller.token not in answer.text + str(answer.headers)
