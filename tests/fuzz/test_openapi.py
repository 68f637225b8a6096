"""Schemathesis over every operation of the OpenAPI document: no 500, no answer that the document does not describe.

Each operation meets the whole real app with one object of every kind, real PostgreSQL and Redis, and the stand-ins on
loopback. The limiter is generous here: what it does is tested elsewhere.
"""

import pytest

from app.core import limits
from app.core.edge import Caller, callers
from app.factory import create_app
from identity import totp
from tests.support import fuzzing
from tests.support.whole_town import Town, living, settle, town, whole_app

__all__ = ["town", "whole_app"]

DOCUMENT = create_app().extensions["tongban_api"].spec.to_dict()
# Nobody but a platform can sign a callback, and no service of the stand-in offers these verbs: the requests end at the
# door, which is what they are to find out. The other side is tested in tests/handlers.
BEHIND_A_DOOR = (
    *(f"{verb} {fuzzing.CALL}" for verb in ("PUT", "PATCH", "DELETE")),
    "GET /callbacks/{platform}/{app_id}",
    "POST /callbacks/{platform}/{app_id}",
)


@pytest.fixture(scope="module")
def url(whole_app):
    with fuzzing.listening(whole_app) as address:
        yield address


@pytest.fixture(scope="module")
def standing(whole_app, servers, _listening_sandbox):
    """One town for all that only read: nothing they do changes it."""
    servers.clean()
    _listening_sandbox.reset()
    with living(whole_app, _listening_sandbox) as made:
        yield settle_for_fuzzing(made)


@pytest.fixture
def generous(monkeypatch):
    monkeypatch.setattr(limits, "bucket_args", lambda _action: (1, 10**9))
    monkeypatch.setattr(totp, "TOTP_FREE_FAILURES", 10**9)


def settle_for_fuzzing(made: Town) -> Town:
    settle(made)
    code = made.sandbox.control("POST", "wechat/codes", user="other")["code"]
    made.objects |= {
        "citizen_id": made.a.citizen_id, "login_code": code, "app": made.a.app, "name": "swagger-ui.css",
        "Idempotency-Key": "fuzz-example-0001",
    }  # fmt: skip
    return made


def caller_of(operation: str) -> Caller:
    method, _, path = operation.partition(" ")
    said = DOCUMENT["paths"][path][method.lower()].get("security", [])
    by_proof = {str(proof): caller for caller, proof in callers.SECURITY.items()}
    return by_proof.get(str(said), Caller.PUBLIC)


def test_every_operation_is_here():
    assert len(fuzzing.operations(DOCUMENT)) > 40


READING = [one for one in fuzzing.operations(DOCUMENT) if one.startswith("GET ")]
CHANGING = [one for one in fuzzing.operations(DOCUMENT) if not one.startswith("GET ")]


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.parametrize("operation", READING)
def test_reading_finds_no_bug_and_no_answer_the_document_does_not_know(standing, generous, url, operation):
    judge(operation, fuzzing.fuzz(standing, url, DOCUMENT, operation, caller_of(operation)))


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.parametrize("operation", CHANGING)
def test_changing_finds_no_bug_and_no_answer_the_document_does_not_know(town, generous, url, operation):
    settled = settle_for_fuzzing(town)
    if operation == f"POST {fuzzing.CALL}":
        settled.objects["path"] = "replacements"
    judge(operation, fuzzing.fuzz(settled, url, DOCUMENT, operation, caller_of(operation)))


def judge(operation: str, found: fuzzing.Found) -> None:
    assert found.failures == [], "\n".join(found.failures)
    takes_nothing = not DOCUMENT["paths"][operation.partition(" ")[2]].get("parameters")
    assert found.requests >= fuzzing.EXAMPLES or takes_nothing, found.statuses
    reached = any(200 <= status < 300 for status in found.statuses)
    assert reached or operation in BEHIND_A_DOOR, found.statuses
