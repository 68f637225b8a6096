"""I5, I6: repeated parameters and injected text, in every parameter of every operation of the document.

Nothing injected may change a row count, answer with more than was asked for, or be a 500; nothing repeated may be read.
"""

import ast
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from app.core import db, kv, limits
from app.core.edge import Caller, callers
from tests.support import fuzzing
from tests.support.source import Module, module, modules
from tests.support.whole_town import Town, settled, town, whole_app

__all__ = ["settled", "town", "whole_app"]

SQL = (
    "'", '"', "' OR '1'='1", "' OR 1=1 --", "'; DROP TABLE cases; --", "') OR ('a'='a", "1 UNION SELECT 1,2,3", "%' OR '%'='",
    "'||(SELECT pg_sleep(9))||'", "\\'; --", "$1", "%(x)s", ":id", "1;SELECT 1", "x' AND 1=(SELECT 1/0) --", "ʼ OR 1=1",
)  # fmt: skip
OTHERS = ("%", "_", "*", "tb:session:*", "a\r\nFLUSHALL\r\n", "EVAL return 1", "$(id)", "`id`", "| id", "{{7*7}}", "${7*7}",
          "../../etc/passwd", "<script>", "{0.__class__}", "%n%s", "\ufeff", "😀" * 20)  # fmt: skip
TEXTS = (*SQL, *OTHERS)
SPEAKING = ("text", "execute", "exec_driver_sql")
TABLES = (
    "cases",
    "accounts",
    "sessions",
    "citizens",
    "evidence",
    "services",
    "service_versions",
    "staff",
    "organisations",
)


@pytest.fixture
def generous(monkeypatch):
    monkeypatch.setattr(limits, "bucket_args", lambda _action: (1, 10**9))


def document(town: Town) -> dict[str, Any]:
    return town.app.extensions["tongban_api"].spec.to_dict()


def caller_of(operation: dict[str, Any]) -> Caller:
    by_proof = {str(proof): caller for caller, proof in callers.SECURITY.items()}
    return by_proof.get(str(operation.get("security")), Caller.APP)


def ask(town: Town, operation: str, told: dict[str, Any], path: str, **options: Any) -> Any:
    method, _, template = operation.partition(" ")
    headers = {"X-App": town.a.app, "Idempotency-Key": "inject-0001"}
    headers |= fuzzing.proof(town, method, template, caller_of(told)) if caller_of(told) is not Caller.APP else {}
    return town.app.test_client().open(path, method=method, headers=headers, **options)


def path_of(template: str, objects: dict[str, str], **injected: str) -> str:
    for name, value in (objects | injected).items():
        template = template.replace("{" + name + "}", quote(value, safe=""))
    return template


def each(town: Town):
    """(label, template, item, operation) of the document's operations whose caller we can be."""
    for path, item in document(town)["paths"].items():
        if not path.startswith(("/callbacks", *fuzzing.INTERNAL, "/healthz")):
            for verb in fuzzing.VERBS:
                if verb in item:
                    yield f"{verb.upper()} {path}", path, item, item[verb]


def counts() -> dict[str, int]:
    with db.transaction(db.ALL_TENANTS) as session:
        return {name: session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in TABLES}  # noqa: S608  our own words


def test_I6_injected_text_is_only_text_in_every_parameter(settled, generous):
    before, keys, asked = counts(), kv.client().dbsize(), 0
    schemas = document(settled)["components"]["schemas"]
    for operation, path, item, told in each(settled):
        places = [
            one for one in (*item.get("parameters", ()), *told.get("parameters", ())) if one["in"] in ("path", "query")
        ]
        for place in places:
            for injected in TEXTS:
                asked += 1
                if place["in"] == "path":
                    answer = ask(settled, operation, told, path_of(path, settled.objects, **{place["name"]: injected}))
                    assert answer.status_code in (400, 401, 403, 404, 405, 422), (
                        operation,
                        injected,
                        answer.status_code,
                    )
                else:
                    answer = ask(
                        settled, operation, told, path_of(path, settled.objects), query_string={place["name"]: injected}
                    )
                    assert answer.status_code in (200, 400, 422), (
                        operation,
                        place["name"],
                        injected,
                        answer.status_code,
                    )
                    assert answer.status_code != 200 or answer.json["items"] == [], (operation, place["name"], injected)
        for member in members(told, schemas):
            for injected in TEXTS:
                asked += 1
                body = good(operation, settled) | {member: injected}
                answer = ask(settled, operation, told, path_of(path, settled.objects), json=body)
                assert answer.status_code < 500, (operation, member, injected, answer.json)
    assert asked > 1000
    assert counts() == before
    assert kv.client().dbsize() >= keys - 5


def members(told: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = schemas.get(body.get("$ref", "").rpartition("/")[2], {})
    return [name for name, one in named.get("properties", {}).items() if one.get("type") == "string"]


def good(operation: str, town: Town) -> dict[str, Any]:
    return fuzzing.good_body(operation, town.objects | {"login_code": "x", "citizen_id": town.a.citizen_id}) or {}


def test_I5_a_repeated_parameter_is_refused_on_every_operation(settled, generous):
    asked = 0
    for operation, path, _, told in each(settled):
        names = [one["name"] for one in told.get("parameters", ()) if one["in"] == "query"]
        for name in (*names, "anything"):
            for query in (
                f"{name}=1&{name}=1",
                f"{name}=1&{name}=2",
                f"{name}&{name}",
                f"{quote(name)}=1&%{ord(name[0]):02x}{name[1:]}=2",
            ):
                asked += 1
                answer = ask(settled, operation, told, f"{path_of(path, settled.objects)}?{query}")
                if path == fuzzing.CALL and answer.status_code in (405, 422):
                    continue  # the manifest says which methods and names a service takes, and that comes first
                assert (answer.status_code, answer.json["code"]) == (400, "repeated_parameter"), (operation, query)
    assert asked > 100


def test_I5_form_and_json_are_never_merged(settled, generous):
    for operation, path, _, told in each(settled):
        if "requestBody" in told:
            target = path_of(path, settled.objects)
            for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "application/xml"):
                answer = ask(settled, operation, told, target, data=b"method=face&purpose=terms", content_type=kind)
                assert answer.status_code == 415, (operation, kind, answer.status_code)
            by_query = ask(
                settled, operation, told, target, json={}, query_string=dict.fromkeys(good(operation, settled), "1")
            )
            assert by_query.status_code in (400, 401, 422), (operation, by_query.status_code)


def sql_from_pieces(one: Module) -> list[str]:
    """Calls of text(...) or execute(...) in a function, whose SQL is put together where a caller's value could be.

    At the top of a module nothing of a caller exists yet; a piece named in CAPITALS is a constant.
    """
    functions = (node for node in ast.walk(one.tree) if isinstance(node, ast.FunctionDef))
    calls = {node for function in functions for node in ast.walk(function) if isinstance(node, ast.Call) and node.args}
    return [
        f"{one.path}:{node.lineno}"
        for node in calls
        if getattr(node.func, "id", getattr(node.func, "attr", "")) in SPEAKING and not _is_fixed(node.args[0])
    ]


def _is_fixed(sql: ast.expr) -> bool:
    if isinstance(sql, ast.JoinedStr):
        holes = [part.value for part in sql.values if isinstance(part, ast.FormattedValue)]
        return all(isinstance(hole, ast.Name) and hole.id.isupper() for hole in holes)
    if isinstance(sql, ast.BinOp):
        return _is_fixed(sql.left) and _is_fixed(sql.right)
    return not (isinstance(sql, ast.Call) and getattr(sql.func, "attr", "") == "format")


def test_I6_no_sql_is_put_together_from_pieces():
    apart = ("app.stack", "app.migrations")  # schema made from our own table of names, before any citizen
    assert [line for one in modules() if not one.name.startswith(apart) for line in sql_from_pieces(one)] == []


@pytest.mark.parametrize(
    "planted", ['db.execute(text(f"SELECT {x}"))', 'db.execute("SELECT " + f"{x}")', 'text("SELECT {}".format(x))']
)
def test_I6_planted_sql_is_found(planted):
    assert sql_from_pieces(module("handlers.x", f"def find(db, x):\n    return {planted}"))
