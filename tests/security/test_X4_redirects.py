"""X4: a redirect of a service is followed by nobody and passed to nobody."""

import pytest

from tests.support.gateway import call
from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, personal, plain, proved, trust, upstream
from tests.support.upstreams import ok, running

__all__ = ["citizen", "gateway_app", "gateway_world", "personal", "plain", "proved", "trust", "upstream"]


@pytest.fixture
def canary(trust, upstream):
    """Trusted by the egress rules, so that only not following keeps it silent."""
    with running() as made:
        trust(upstream, made)
        yield made


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent"]
)
def test_X4_a_redirect_reaches_neither_the_canary_nor_the_citizen(citizen, upstream, canary, plain, status):
    upstream.scripts[:] = [ok(b'{"errcode":0}', f"Location: {canary.url('/caught')}", status=status)]
    answer = call(citizen(), plain, "GET", "/cards/1")
    assert (answer.status_code, answer.json["code"]) == (502, "upstream_garbled")
    assert "Location" not in answer.headers
    assert canary.connections == 0


def test_X4_a_write_that_is_redirected_may_have_been_done(proved, personal, upstream, canary):
    upstream.scripts[:] = [ok(b"", f"Location: {canary.url('/caught')}", status="307 Temporary Redirect")]
    answer = call(proved, personal, "POST", "/cards", {}, Idempotency_Key="key-00000001")
    assert (answer.status_code, answer.json["code"]) == (504, "outcome_unknown")
    assert canary.connections == 0
