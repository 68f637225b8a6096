"""Schemathesis over one operation of the real app: the document as it is judged, who calls, and what was found.

The document is taken without its `default` responses, so that every status an operation gives has to be declared, and
with a real object's id beside "any text" for each path parameter, so that views are reached and not only their doors.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.schemas import BaseSchema
from werkzeug.serving import make_server

from app.core.edge import Caller
from config.settings import get_settings
from config.staff import SCOPES
from identity import sessions
from identity.staff_proof import scope_of
from tests.support.sandbox import Quiet
from tests.support.whole_town import NOTICE, REGION, Town

EXAMPLES: Final = 100
VERBS: Final = ("get", "post", "put", "patch", "delete")
INTERNAL: Final = ("/readyz", "/metrics", "/docs/", "/openapi.json")
# What schemathesis asks of every answer. Not among them: positive_data_acceptance (a well-formed name and number may
# well be refused: shape is the document's, truth is the authority's) and use_after_free (its operations are stateful).
CHECKS: Final = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header", "ignored_auth",
    "unsupported_method", "allow_header_conformance",
)  # fmt: skip
# 502, 503, 504 are refusals with a code and a next step (config/problems.py); 500 and 501 are bugs.
NO_BUG: Final = ["2xx", "3xx", "4xx", "502", "503", "504"]


@dataclass
class Found:
    """What one operation did: every status with its count, and every check that failed, once a kind."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())


def operations(document: Mapping[str, Any]) -> list[str]:
    """`GET /v1/me` for every operation."""
    return sorted(
        f"{verb.upper()} {path}" for path, item in document["paths"].items() for verb in VERBS if verb in item
    )


def judged(document: Mapping[str, Any], objects: Mapping[str, str]) -> dict[str, Any]:
    """The document without `default` responses; real ids and one whole good request among what may be sent."""
    told = deepcopy(dict(document))
    told["paths"][CALL]["post"]["requestBody"] = {"content": {"application/json": {"schema": {}}}}
    for path, item in told["paths"].items():
        _seed(item.get("parameters", ()), objects)
        for verb in (verb for verb in VERBS if verb in item):
            item[verb]["responses"].pop("default", None)
            _seed(item[verb].get("parameters", ()), objects)
            _show(item[verb], good_body(f"{verb.upper()} {path}", objects))
    schemas = told["components"]["schemas"]
    for schema, member, name in MEMBERS:
        _widen(schemas[schema]["properties"], member, objects[name])
    return told


CALL: Final = "/v1/services/{service_id}/call/{path}"
MEMBERS: Final = (
    ("Approve", "payload_hash", "payload_hash"), ("FileCase", "item_code", "code"),
    ("GiveConsent", "purpose", "purpose"), ("SendMessage", "citizen_id", "citizen_id"),
)  # fmt: skip


def good_body(operation: str, objects: Mapping[str, str]) -> dict[str, Any] | None:
    """What an operation that reads a body is content with; the examples phase sends it."""
    return {
        "POST /v1/sessions": {"code": objects["login_code"]},
        "POST /v1/me/consents": {"purpose": "terms", "text_version": "1"},
        "POST /v1/me/verifications": {"method": "face"},
        "POST /v1/me/grants": {"answers": {objects["template"]: "accept"}},
        "POST /v1/cases": {"item_code": objects["code"], "accept_region": REGION, "form": {"reason": "LOST"}},
        "POST /ops/v1/messages": {
            "citizen_id": objects["citizen_id"], "kind": "service_notice", "values": NOTICE,
        },
        "POST /ops/v1/approvals/{approval_id}/approve": {"payload_hash": objects["payload_hash"]},
        "POST /ops/v1/approvals/{approval_id}/refuse": {"reason": "no"},
        f"POST {CALL}": {"reason": "LOST", "delivery": "WINDOW"},
    }.get(operation)  # fmt: skip


def _seed(parameters: Iterable[dict[str, Any]], objects: Mapping[str, str]) -> None:
    for parameter in parameters:
        name = parameter["name"]
        if name == "X-App":
            parameter["schema"] = {"const": objects["app"]}  # another one is a 400 and nothing more
        elif name in objects:
            parameter["example"] = objects[name]
            if parameter["in"] == "path":
                _widen(parameter, "schema", objects[name])


def _show(operation: dict[str, Any], body: dict[str, Any] | None) -> None:
    if body is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = body


def _widen(owner: dict[str, Any], member: str, value: object) -> None:
    owner[member] = {"anyOf": [{"const": value}, owner[member]]}


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """The app on a loopback port, as both binds serve it: internal paths come by the internal one. Gives the URL."""

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].startswith(INTERNAL):
            environ["SERVER_PORT"] = str(get_settings().internal_port)
        return app(environ, start_response)

    server = make_server("127.0.0.1", 0, serve, threaded=True, request_handler=Quiet)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="fuzzed", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fuzz(town: Town, url: str, document: Mapping[str, Any], operation: str, caller: Caller) -> Found:
    """Every phase over one operation: examples, coverage of the schema's edges, and at least EXAMPLES random ones."""
    method, _, path = operation.partition(" ")
    schema = schemathesis.openapi.from_dict(judged(document, town.objects), config=_config(url))
    schema.hook("filter_path_parameters")(is_one_path)
    _prove(schema, town, method, path, caller)
    found = Found()
    for event in from_schema(schema.include(method=method, path=path)).execute():
        if isinstance(event, events.ScenarioFinished):
            _take(found, event.recorder)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.failures.append(repr(event))
    return found


def is_one_path(_context: Any, parameters: Mapping[str, Any] | None) -> bool:
    """What the client would cut off (a query, a fragment) or fold (an empty segment) is another operation's path."""
    return all(str(value) and not set(str(value)) & set("?#") for value in (parameters or {}).values())


def _config(url: str) -> SchemathesisConfig:
    checks: dict[str, Any] = {"enabled": False} | {name: {"enabled": True} for name in CHECKS}
    checks["not_a_server_error"]["expected-statuses"] = NO_BUG
    return SchemathesisConfig.from_dict({
        "base-url": url, "seed": 1, "continue-on-failure": True, "checks": checks,
        # Two more requests for each, without and with a wrong proof: the edges of the schema are enough for that.
        "phases": {"stateful": {"enabled": False}, "fuzzing": {"checks": {"ignored_auth": {"enabled": False}}}},
        "generation": {"max-examples": EXAMPLES, "database": "none", "deterministic": True, "no-shrink": True},
    })  # fmt: skip


def _prove(schema: BaseSchema, town: Town, method: str, path: str, caller: Caller) -> None:
    """The headers that prove the caller, fresh for each request: an operation may have ended the session before."""

    class Proof:
        def get(self, _case: Any, _context: Any) -> dict[str, str]:
            return proof(town, method, path, caller)

        def set(self, case: Any, data: dict[str, str], _context: Any) -> None:
            case.headers.update(data)

    if caller in (Caller.CITIZEN, Caller.STAFF):
        schema.auth(refresh_interval=None)(Proof)


def proof(town: Town, method: str, path: str, caller: Caller) -> dict[str, str]:
    if caller is Caller.CITIZEN:
        if sessions.principal_of(town.a.token) is None:
            town.a = town.phone("adult")
        return {"Authorization": f"Bearer {town.a.token}"}
    wanted = scope_of(path, method)
    role = next(role for role in town.people if wanted is None or wanted in SCOPES[role])
    person = town.people[role]
    return person.with_code() if path.endswith("/approve") else person.headers


def _take(found: Found, recorder: Any) -> None:
    for interaction in recorder.interactions.values():
        found.statuses[interaction.response.status_code if interaction.response is not None else 0] += 1
    told = {line.partition(" <- ")[0] for line in found.failures}
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                what = f"{check.name}: {check.failure_info.failure.message[:300]}".replace("\n", " / ")
                if what not in told:
                    told.add(what)
                    found.failures.append(f"{what} <- {_shown(recorder.interactions.get(case_id))}")


def _shown(interaction: Any) -> str:
    if interaction is None:
        return "no request"
    request, response = interaction.request, interaction.response
    body = request.body[:300] if request.body else b""
    answer = f"{response.status_code} {response.content[:300]!r}" if response is not None else "no answer"
    return f"{request.method} {request.uri[:300]} {request.headers} {body!r} -> {answer}"
