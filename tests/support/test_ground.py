"""The suite's own ground: real servers, roles, a clean slate, no way out."""

import os
import socket

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.core import db, kv
from tests.support import loopback, surroundings
from tests.support.servers import MissingServerError, Servers, _redis

pytestmark = pytest.mark.usefixtures("db_clean")

ROW = {"id": "ev_1", "tenant_id": "province", "type": "t", "subject_id": "s"}
INSERT = text(
    "INSERT INTO outbox_events (id, tenant_id, type, subject_id, data, created_at)"
    " VALUES (:id, :tenant_id, :type, :subject_id, '{}', now())"
)
COUNT = text("SELECT count(*) FROM outbox_events")


def test_the_application_connects_as_the_role_app_and_is_held_by_row_level_security():
    with db.transaction() as session:
        assert session.execute(text("SELECT current_user")).scalar_one() == "tb_app"
        assert (
            session.execute(
                text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            ).scalar_one()
            is False
        )


def test_the_role_app_may_not_truncate():
    with pytest.raises(ProgrammingError, match="permission denied"), db.transaction() as session:
        session.execute(text("TRUNCATE outbox_events CASCADE"))


def test_cleaning_removes_rows_and_our_keys_and_leaves_others(servers: Servers):
    with db.transaction() as session:
        session.execute(INSERT, ROW)
        assert session.execute(COUNT).scalar_one() == 1
    kv.client().set("tb:x", "1", ex=60)
    kv.client().set("other", "1", ex=60)
    servers.clean()
    with db.transaction() as session:
        assert session.execute(COUNT).scalar_one() == 0
    assert kv.client().get("tb:x") is None
    assert kv.client().getdel("other") == b"1"


@pytest.mark.parametrize("address", [("198.51.100.7", 443), ("8.8.8.8", 53)])
def test_a_connection_beyond_this_machine_fails_the_test(address):
    with socket.socket() as wire, pytest.raises(pytest.fail.Exception, match="tried to reach"):
        wire.connect(address)


def test_a_look_up_fails_the_test_and_a_literal_does_not():
    with pytest.raises(pytest.fail.Exception, match="tried to look up"):
        socket.getaddrinfo("example.com", 443)
    assert socket.getaddrinfo("127.0.0.1", 80)


def test_near_is_loopback_only():
    assert loopback.is_near("127.0.0.1")
    assert loopback.is_near("::1")
    assert not loopback.is_near("10.0.0.1")
    assert not loopback.is_near("169.254.169.254")


def test_a_given_database_without_its_owner_is_an_error_that_says_what_to_set():
    with pytest.raises(MissingServerError, match="DATABASE_OWNER_URL"):
        Servers({"DATABASE_URL": "postgresql+psycopg://a@/b"}, "main")


def test_given_redis_addresses_are_apart_for_each_worker():
    assert _redis({"REDIS_URL": "redis://h:6379/3"}, "main", None).urls() == ("redis://h:6379/0", "redis://h:6379/1")
    assert _redis({"REDIS_URL": "redis://h:6379"}, "gw1", None).urls() == ("redis://h:6379/2", "redis://h:6379/3")
    assert _redis({"REDIS_URL": "unix:///s?db=0"}, "gw1", None).urls() == (
        "unix:///s?db=2",
        "redis+socket:///s?virtual_host=3",
    )


def test_a_worker_learns_what_the_person_gave_and_not_what_the_controller_made_of_it():
    environment = {"REDIS_URL": "redis://h:6379", "PATH": "/bin"}
    assert surroundings.given_servers(environment) == {"REDIS_URL": "redis://h:6379"}
    environment |= {"REDIS_URL": "unix:///ours", "DATABASE_URL": "postgresql://ours"}
    assert surroundings.given_servers(environment) == {"REDIS_URL": "redis://h:6379"}


def test_nothing_of_the_terminal_reaches_the_settings():
    assert os.environ["TB_ENV"] == "test"
    assert os.environ["TB_SANDBOX_BASE_URL"].startswith("http://127.0.0.1:")
