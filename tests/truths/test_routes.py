"""The route table: every route says who may call it and is guarded so; OpenAPI says the same routes and no others."""

import re
from collections.abc import Iterator

import pytest

from app.core.edge import Caller, callers
from app.factory import create_app
from tests.support.surroundings import WECHAT_APP_ID

# Where a caller's routes live (design: the edge). What is on no row is a mistake in the route or in this table.
PLACES = {
    Caller.PUBLIC: ("/healthz",),
    Caller.APP: ("/v1/",),
    Caller.CITIZEN: ("/v1/",),
    Caller.STAFF: ("/ops/v1/",),
    Caller.PLATFORM: ("/callbacks/",),
    Caller.INTERNAL: ("/readyz", "/metrics", "/docs/", "/openapi.json"),
}
# PUBLIC to the edge because the road proves the citizen itself, in one look with the rate limit; tested below.
PROVES_ITSELF = {"/v1/services/<service_id>/call/<path:path>"}
PROVEN_BY_A_ROOM = (Caller.APP, Caller.CITIZEN, Caller.STAFF)
IMPLIED = {"HEAD", "OPTIONS"}
APP = f"wechat/{WECHAT_APP_ID}"


@pytest.fixture(scope="module")
def flask_app(servers):
    return create_app()


def routes(flask_app) -> Iterator[tuple[str, str, Caller]]:
    for rule in flask_app.url_map.iter_rules():
        with flask_app.app_context():
            caller = callers.caller_of(rule.endpoint)
        for method in rule.methods - IMPLIED:
            yield method, rule.rule, caller


def documented(rule: str) -> str:
    """`/v1/x/<path:rest>` as OpenAPI spells it."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


def operations(flask_app) -> set[tuple[str, str]]:
    paths = flask_app.extensions["tongban_api"].spec.to_dict()["paths"]
    verbs = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
    return {(verb.upper(), path) for path, item in paths.items() for verb in item if verb in verbs}


def test_every_route_says_who_may_call_it(flask_app):
    assert [(method, rule) for method, rule, caller in routes(flask_app) if not isinstance(caller, Caller)] == []


def test_every_route_stands_where_its_caller_belongs(flask_app):
    stray = [
        (rule, caller)
        for _, rule, caller in routes(flask_app)
        if not rule.startswith(PLACES[caller]) and rule not in PROVES_ITSELF
    ]
    assert stray == []


def test_what_proves_its_caller_itself_lets_nobody_else_in(flask_app, db_clean):
    tried = [(method, rule) for method, rule, _ in routes(flask_app) if rule in PROVES_ITSELF]
    assert tried
    for method, rule in tried:
        path = rule.replace("<service_id>", "sv_00000000000000000000000000").replace("<path:path>", "x")
        for headers in ({}, {"X-App": APP}, {"X-App": APP, "Authorization": f"Bearer tbs_{'A' * 43}"}):
            answer = flask_app.test_client().open(path, method=method, headers=headers)
            assert answer.status_code in (400, 401), (method, headers, answer.json)


def test_every_caller_that_has_routes_has_its_proof(flask_app):
    used = {caller for _, _, caller in routes(flask_app)} & set(PROVEN_BY_A_ROOM)
    assert used
    assert used - set(callers._authenticators) == set()


def test_a_route_without_a_caller_stops_the_start(flask_app):
    other = create_app()
    other.add_url_rule("/planted", "planted", lambda: "")
    with pytest.raises(RuntimeError, match="/planted"):
        callers.require_declared_callers(other)


def test_openapi_equals_the_route_table(flask_app):
    table = {(method, documented(rule)) for method, rule, _ in routes(flask_app)}
    assert operations(flask_app) == table


def test_the_road_to_a_service_is_one_opaque_operation(flask_app):
    """What it takes and answers is the manifest's to say, so every method of it says the same and nothing more."""
    paths = flask_app.extensions["tongban_api"].spec.to_dict()["paths"]
    roads = {documented(rule) for _, rule, _ in routes(flask_app) if "<path:" in rule and rule.startswith("/v1/")}
    assert len(roads) == 1
    (road,) = (paths[path] for path in roads)
    said = [{k: v for k, v in one.items() if k != "operationId"} for verb, one in road.items() if verb != "parameters"]
    assert all(one == said[0] for one in said)
    assert "schema" not in str(said[0].get("requestBody", ""))


def test_every_operation_says_how_it_is_proven(flask_app):
    spec = flask_app.extensions["tongban_api"].spec.to_dict()
    unguarded = [
        (method, rule)
        for method, rule, caller in routes(flask_app)
        if (proof := callers.SECURITY.get(Caller.CITIZEN if rule in PROVES_ITSELF else caller)) is not None
        and (operation := spec["paths"].get(documented(rule), {}).get(method.lower())) is not None
        and operation.get("security") != proof
    ]
    assert unguarded == []


def test_every_operation_of_a_mini_program_says_that_it_takes_its_app(flask_app):
    spec = flask_app.extensions["tongban_api"].spec.to_dict()
    silent = [
        (method, rule)
        for method, rule, caller in routes(flask_app)
        if (caller in callers.SAYING_THEIR_APP or rule in PROVES_ITSELF)
        and callers.APP_HEADER not in spec["paths"][documented(rule)][method.lower()].get("parameters", [])
    ]
    assert silent == []


def test_operations_have_names_that_do_not_collide(flask_app):
    spec = flask_app.extensions["tongban_api"].spec.to_dict()
    names = [
        one["operationId"]
        for item in spec["paths"].values()
        for one in item.values()
        if isinstance(one, dict) and "operationId" in one
    ]
    assert len(names) == len(set(names))


def test_trace_and_options_are_off(flask_app):
    client = flask_app.test_client()
    for _, rule, _ in sorted(routes(flask_app)):
        path = re.sub(r"<[^>]+>", "x", rule)
        for method in ("TRACE", "OPTIONS", "PROPFIND"):
            answer = client.open(path, method=method)
            assert answer.status_code in (401, 404, 405), (method, path, answer.status_code)
            if answer.status_code == 405:
                assert answer.headers["Allow"], (method, path)
