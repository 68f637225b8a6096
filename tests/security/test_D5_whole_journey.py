"""D3, D4, D5: the whole journey at DEBUG level, over the real wire, then every place where something rests or passes.

Canaries: name, id number, birthday, openid, session key, tokens, a phone number in a form, an operator's words. They are
looked for in the log, in outgoing URLs, metrics, answers, every table, the outbox, the broker and Redis.
"""

import json
import logging
import re
from collections import Counter
from types import SimpleNamespace

import prometheus_client
import pytest
import redis
from sqlalchemy import text

from app.core import db, kv, log
from app.core.db import transaction
from config.settings import get_settings
from identity import accounts
from tests.support.citizen_steps import LI, WANG, unique
from tests.support.whole_town import NOTICE, REGION, Town, settle, town, whole_app

__all__ = ["town", "whole_app"]

PHONE = "13900990099"
WORDS = "canary-words-7f3a91"
SEALED = re.compile(r"v1\|[^|\s'\"]+\|[^|\s'\"]+\|([A-Za-z0-9_-]+)\|([A-Za-z0-9_-]*)\|[A-Za-z0-9_-]+")
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


@pytest.fixture
def at_debug(monkeypatch):
    """As TB_LOG_LEVEL=DEBUG would start the process."""
    with monkeypatch.context() as patch:
        patch.setattr(log, "get_settings", lambda: SimpleNamespace(log_level="DEBUG"))
        log.configure()
        yield
    log.configure()
    logging.root.setLevel(logging.getLevelNamesMapping()[get_settings().log_level])


@pytest.fixture
def urls(town: Town, monkeypatch):
    """Every URL the platforms were asked for, as their access logs would hold it."""
    seen: list[str] = []
    inner = town.sandbox.app.wsgi_app

    def recorded(environ, start_response):
        seen.append(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}")
        return inner(environ, start_response)

    monkeypatch.setattr(town.sandbox.app, "wsgi_app", recorded)
    return seen


@pytest.fixture
def answers(town: Town):
    """Every answer of ours, except the two that hand a token or a flow's parameter to whom it belongs."""
    seen: list[str] = []

    def keep(response):
        seen.append(response.get_data(as_text=True) + str(response.headers))
        return response

    town.app.after_request_funcs.setdefault(None, []).append(keep)
    yield seen
    town.app.after_request_funcs[None].remove(keep)


def journey(town: Town) -> dict[str, str]:
    """From login to receipt, with slips on the way; what must be found nowhere, by what it is."""
    settle(town)
    phone = town.a
    form = {"reason": "LOST", "phone": PHONE, "applicant": LI[0]}
    body = {"item_code": town.objects["code"], "accept_region": REGION, "form": form}
    assert phone.send("POST", "/v1/cases", body, Idempotency_Key=unique("case")).status_code == 201
    notice = {"citizen_id": phone.citizen_id, "kind": "service_notice", "values": NOTICE | {"content": WORDS}}
    asked = town.ask("operator", "POST", "/ops/v1/messages", notice, Idempotency_Key=unique("notice"))
    town.approve(asked.json["approval_id"])
    slips = town.phone("other")
    slips.consent("real_name")
    for pair in ((LI[0], WANG[1]), ("李鬼", LI[1]), (LI[0], "990101199003070016"), (LI[0] * 40, LI[1])):
        assert slips.real_name(pair).status_code == 422
    slips.send("GET", f"/v1/me?name={LI[0]}&access_token={slips.token}")
    slips.send("POST", "/v1/sessions", {"code": "x", "openid": "o" * 28})
    town.rest()
    with transaction() as session:
        openid = accounts.openid_of(session, phone.account_id)
    return {
        "name": LI[0], "wrong name": "李鬼", "number": LI[1], "other number": WANG[1], "birthday": "19900307",
        "openid": openid, "token": phone.token, "second token": slips.token, "phone": PHONE, "words": WORDS,
        "staff token": town.people["operator"].token, "totp secret": town.people["approver"].secret,
    }  # fmt: skip


def every_table() -> dict[str, str]:
    """Table -> all it holds, as text. The application's own role, every tenant."""
    with transaction(db.ALL_TENANTS) as session:
        names = [row[0] for row in session.execute(text(TABLES)) if row[0] != "alembic_version"]
        return {
            name: "\n".join(str(tuple(row)) for row in session.execute(text(f"SELECT * FROM {name}")))  # noqa: S608  catalogue names
            for name in names
        }


def every_key(client: redis.Redis) -> str:
    readers = {b"string": client.get, b"list": lambda key: client.lrange(key, 0, -1), b"hash": client.hgetall,
               b"set": client.smembers, b"zset": lambda key: client.zrange(key, 0, -1)}  # fmt: skip
    return "\n".join(repr((key, readers[client.type(key)](key))) for key in client.scan_iter("*"))


def test_D5_no_canary_sings_anywhere(town, at_debug, urls, answers, capfd):
    canaries = journey(town)
    tables = every_table()
    with redis.Redis.from_url(get_settings().broker.replace("redis+socket://", "unix://").replace("virtual_host", "db")) as broker:  # fmt: skip
        queued = every_key(broker)
    printed = capfd.readouterr()
    places = {
        "the log": printed.out + printed.err,
        "a URL": "\n".join(urls),
        "the metrics": prometheus_client.generate_latest().decode(),
        "the database": "\n".join(tables.values()),
        "the broker": queued,
        "Redis": every_key(kv.client()),
    }
    for where, least in (("the log", 4000), ("a URL", 500), ("the metrics", 2000), ("the database", 20_000),
                         ("the broker", 200), ("Redis", 500)):  # fmt: skip
        assert len(places[where]) > least, f"{where} is suspiciously empty"
    assert logging.getLogger().isEnabledFor(logging.DEBUG)
    for what, canary in canaries.items():
        for where, whole in places.items():
            assert canary not in whole, f"{what} in {where}"
    said = "\n".join(answers)
    for what in canaries.keys() - {"token", "second token", "words"}:  # tokens are told once, words to their reader
        assert canaries[what] not in said, f"{what} in an answer"
    assert said.count(canaries["token"]) == said.count(canaries["second token"]) == 1


def test_D3_the_dump_holds_no_plaintext_and_no_two_equal_ciphertexts(town):
    canaries = journey(town)
    again = town.phone("minor")
    again.to_l2(LI)  # the same name and number once more, sealed for another row
    tables = every_table()
    whole = "\n".join(tables.values())
    assert [what for what, canary in canaries.items() if canary in whole] == []
    filled = {name for name, held in tables.items() if held}
    assert {"citizens", "accounts", "sessions", "verifications", "consents", "cases", "inbound_events", "outbox_events",
            "inbox_entries", "messages", "approvals", "staff", "data_uses", "exchanges"} <= filled  # fmt: skip
    sealed = SEALED.findall(whole)
    assert len(sealed) > 40
    for part in zip(*sealed, strict=True):
        assert [text for text, times in Counter(part).items() if times > 1 and text] == []


def test_D3_equal_openids_and_numbers_are_found_by_index_and_not_by_a_plain_hash(town):
    settle(town)
    with transaction() as session:
        index = session.execute(text("SELECT DISTINCT openid_index FROM accounts")).scalars().all()
    assert len(index) >= 1
    assert all(re.fullmatch(r"1:[0-9a-f]{64}", one) for one in index)


def test_D4_every_key_of_ours_ends(town):
    journey(town)
    client = kv.client()
    keys = list(client.scan_iter("tb:*"))
    assert len(keys) > 5
    assert [key for key in keys if client.ttl(key) < 0] == []


def test_D5_the_outbox_and_the_audit_hold_ids_and_words_only(town):
    journey(town)
    with transaction(db.ALL_TENANTS) as session:
        told = [row[0] for row in session.execute(text("SELECT data FROM outbox_events"))]
        audited = [row[0] for row in session.execute(text("SELECT detail FROM audit_entries"))]
    assert told
    assert audited
    for data in [*told, *audited]:
        for value in (json.loads(data) if isinstance(data, str) else data).values():
            assert isinstance(value, str | int | bool | None), value
            assert len(str(value)) <= 200, value
