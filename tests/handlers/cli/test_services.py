"""flask services register: an integrator's manifest, published only by a second person over HTTP."""

import json

import pytest
from sqlalchemy import select

from app.core import db
from app.factory import create_app
from handlers.gateway.models import ServiceVersion
from tests.support.gateway import manifest
from tests.support.staff import person

pytestmark = pytest.mark.usefixtures("db_clean")


@pytest.fixture(scope="module")
def flask_app(servers):
    return create_app()


@pytest.fixture
def developer():
    return person("integrator")


@pytest.fixture
def register(flask_app, tmp_path, developer):
    def command(document=None, *, raw: bytes | None = None, token: str | None = None, words=()):
        file, secret = tmp_path / "manifest.json", tmp_path / "token"
        file.write_bytes(raw if raw is not None else json.dumps(document or manifest()).encode())
        secret.write_text(f"{token or developer.token}\n")
        args = ("services", "register", str(file), "--token-file", str(secret), *words)
        return flask_app.test_cli_runner().invoke(args=args, catch_exceptions=False)

    return command


def versions() -> list[ServiceVersion]:
    with db.transaction(db.ALL_TENANTS) as session:
        return list(session.scalars(select(ServiceVersion).order_by(ServiceVersion.id)))


def test_a_registered_service_waits_for_a_second_person_and_is_then_live(flask_app, register, developer):
    done = register(words=["--json"])
    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)
    assert shown["state"] == "submitted"
    approver, client = person("approver"), flask_app.test_client()
    path = f"/ops/v1/approvals/{shown['approval_id']}"
    asked = client.get(path, headers=approver.headers).json
    assert asked["act"] == "service.publish"
    assert asked["payload"]["manifest_hash"] == shown["manifest_hash"]
    answer = client.post(f"{path}/approve", json={"payload_hash": asked["payload_hash"]}, headers=approver.with_code())
    assert (answer.status_code, answer.json["state"]) == (200, "executed"), answer.json
    (version,) = versions()
    assert (version.state, version.tenant_id) == ("published", developer.organisation_id)


def test_the_integrator_may_not_publish_it_alone(flask_app, register, developer):
    shown = json.loads(register(words=["--json"]).stdout)
    path = f"/ops/v1/approvals/{shown['approval_id']}"
    asked = flask_app.test_client().get(path, headers=developer.headers).json
    answer = flask_app.test_client().post(
        f"{path}/approve", json={"payload_hash": asked["payload_hash"]}, headers=developer.with_code()
    )
    assert answer.status_code == 403
    assert [version.state for version in versions()] == ["submitted"]


def test_a_faulty_manifest_is_one_sentence_that_names_the_member(register):
    done = register(manifest(min_level="L9", slug="NO"))
    assert done.exit_code == 1
    assert "min_level" in done.stderr
    assert "slug" in done.stderr
    assert "Traceback" not in done.output
    assert versions() == []


@pytest.mark.parametrize("raw", [b"", b"{", b'{"slug": 1, "slug": 2}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(register, raw):
    done = register(raw=raw)
    assert (done.exit_code, "invalid_json" in done.stderr) == (1, True)


def test_a_token_that_proves_nothing_registers_nothing(register):
    done = register(token="tbp_" + "A" * 43)
    assert (done.exit_code, "staff_unauthenticated" in done.stderr) == (1, True)
    assert versions() == []


@pytest.mark.parametrize("role", ["approver", "auditor", "administrator", "operator"])
def test_a_token_of_another_role_registers_nothing(register, role):
    done = register(token=person(role).token)
    assert (done.exit_code, "scope_missing" in done.stderr) == (1, True)
    assert versions() == []


def test_the_token_itself_on_the_command_line_is_no_file(flask_app, developer, tmp_path):
    (tmp_path / "m.json").write_text("{}")
    args = ("services", "register", str(tmp_path / "m.json"), "--token", developer.token)
    done = flask_app.test_cli_runner().invoke(args=args)
    assert done.exit_code == 2
