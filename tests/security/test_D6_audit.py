"""D6: whatever a hand with the owner's rights does to the audit, the verifier names the first bad row."""

# ruff: noqa: S608  the statements are the attack, and every value in them is made by this test

import pytest
from sqlalchemy import select

from app.core import audit, db
from app.core.audit import anchors, chain, verify
from app.core.audit.chain import ChainRow
from tests.app.core.test_audit import anchor_file, record
from tests.support.tamper import owner, tamper

__all__ = ["anchor_file"]


@pytest.fixture(autouse=True)
def sealed(anchor_file):
    made = record(10)
    audit.seal_pending()
    audit.anchor()
    made += record(5)
    audit.seal_pending()
    assert audit.verify_chain() == audit.Verdict(ok=True, rows=15, anchors=1)
    return made


def places():
    with db.transaction("*") as session:
        return session.scalars(select(ChainRow).order_by(ChainRow.seq)).all()


def verdict():
    found = audit.verify_chain()
    assert not found.ok
    return (found.bad_seq, found.bad_entry, found.reason)


@pytest.mark.parametrize("column", ["actor", "act", "object_id", "outcome", "request_id", "tenant_id"])
def test_an_altered_row_is_named(servers, sealed, column):
    tamper(servers, "audit_entries", f"UPDATE audit_entries SET {column} = 'x' WHERE id = '{sealed[4]}'")
    assert verdict() == (5, sealed[4], "entry_altered")


@pytest.mark.parametrize(
    "change", ["detail = '{\"n\": 5}'", "at = at + interval '1 microsecond'", "detail = detail || '{\"more\": 1}'"]
)
def test_an_altered_detail_or_time_is_named(servers, sealed, change):
    tamper(servers, "audit_entries", f"UPDATE audit_entries SET {change} WHERE id = '{sealed[4]}'")
    assert verdict() == (5, sealed[4], "entry_altered")


def test_a_row_altered_with_its_own_digest_is_named(servers, sealed):
    tamper(
        servers,
        "audit_entries",
        f"UPDATE audit_entries SET actor = 'x', digest = repeat('0', 64) WHERE id = '{sealed[4]}'",
    )
    assert verdict() == (5, sealed[4], "entry_altered")


def test_a_deleted_row_is_named(servers, sealed):
    tamper(servers, "audit_entries", f"DELETE FROM audit_entries WHERE id = '{sealed[6]}'")
    assert verdict() == (7, sealed[6], "entry_missing")


def test_a_row_deleted_with_its_place_is_named(servers, sealed):
    tamper(servers, "audit_entries", f"DELETE FROM audit_entries WHERE id = '{sealed[6]}'")
    tamper(servers, "audit_chain", "DELETE FROM audit_chain WHERE seq = 7")
    assert verdict() == (7, "", "missing")


def test_two_rows_that_changed_places_are_named(servers, sealed):
    tamper(
        servers, "audit_chain",
        "UPDATE audit_chain SET entry_id = entry_id || '-' WHERE seq IN (3, 4)",
        f"UPDATE audit_chain SET entry_id = '{sealed[3]}' WHERE seq = 3",
        f"UPDATE audit_chain SET entry_id = '{sealed[2]}' WHERE seq = 4",
    )  # fmt: skip
    assert verdict() == (3, sealed[3], "chain_altered")


def test_a_row_put_in_between_is_named(servers, sealed):
    with owner(servers) as connection:
        connection.execute(
            "INSERT INTO audit_chain SELECT 16, tenant_id, 'au_forged', entry_digest, prev_hash, repeat('f', 64), sealed_at"
            " FROM audit_chain WHERE seq = 15"
        )
    assert verdict() == (16, "au_forged", "broken_link")


def rewrite_from(servers, seq, drop=1):
    """The chain from `seq` on made anew, consistent in itself, leaving out `drop` rows: what the database alone cannot show."""
    rows = places()
    kept = rows[: seq - 1] + rows[seq - 1 + drop :]
    prev, statements = rows[seq - 2].hash, [f"DELETE FROM audit_chain WHERE seq >= {seq}"]
    for number, row in enumerate(kept[seq - 1 :], start=seq):
        made = chain.link(prev, number, row.entry_id, row.entry_digest)
        statements.append(
            f"INSERT INTO audit_chain VALUES ({number}, 'province', '{row.entry_id}', '{row.entry_digest}', '{prev}', '{made}', now())"
        )
        prev = made
    tamper(servers, "audit_chain", *statements)
    tamper(servers, "audit_entries", f"DELETE FROM audit_entries WHERE id = '{rows[seq - 1].entry_id}'")


def test_a_fork_that_is_whole_in_itself_is_caught_by_the_anchor(servers, sealed):
    rewrite_from(servers, 6)
    seq, _entry, reason = verdict()
    assert (seq, reason) == (10, "forked")  # the first place outside the chain's own word


def test_a_fork_is_caught_by_the_file_alone(servers, sealed):
    tamper(servers, "audit_anchors", "DELETE FROM audit_anchors")
    rewrite_from(servers, 6)
    assert verdict()[2] == "forked"


def test_a_truncated_chain_is_named(servers, sealed):
    tamper(servers, "audit_chain", "DELETE FROM audit_chain WHERE seq > 8")
    ids = "', '".join(sealed[8:])
    tamper(servers, "audit_entries", f"DELETE FROM audit_entries WHERE id IN ('{ids}')")
    assert verdict() == (9, "", "truncated")


def test_an_old_backup_put_back_is_caught_by_the_file(servers, sealed):
    tamper(servers, "audit_anchors", "DELETE FROM audit_anchors")
    tamper(servers, "audit_chain", "DELETE FROM audit_chain")
    tamper(servers, "audit_entries", "DELETE FROM audit_entries")
    assert verdict() == (1, "", "truncated")


def test_rows_that_lost_their_places_are_reported(servers, sealed, monkeypatch):
    tamper(servers, "audit_chain", "DELETE FROM audit_chain WHERE seq > 10")
    monkeypatch.setattr(verify, "UNSEALED_AFTER_S", 0)
    found = audit.verify_chain()
    assert (found.ok, found.rows, found.unsealed) == (False, 10, 5)


@pytest.mark.parametrize(
    "line",
    [
        b'{"seq":15,"hash":"0","at":"2026-01-01","mac":"00"}',
        b"not json",
        b'{"seq":15}',
        b"\xff\xfe",
    ],
)
def test_a_forged_anchor_is_reported(anchor_file, sealed, line):
    anchor_file.write_bytes(anchor_file.read_bytes() + line + b"\n")
    assert verdict()[2] == "anchor_forged"


def test_an_anchor_whose_place_was_rewritten_is_no_anchor(anchor_file, sealed):
    anchor_file.write_bytes(anchor_file.read_bytes().replace(b'"seq":10', b'"seq":11'))
    assert verdict()[2] == "anchor_forged"


def test_an_anchor_needs_the_key(monkeypatch, sealed):
    monkeypatch.setattr(anchors, "_mac", lambda *_: "0" * 64)
    assert verdict()[2] == "anchor_forged"


def test_the_guards_stand_before_the_owner_too(servers, sealed):
    for table in ("audit_entries", "audit_chain", "audit_anchors"):
        with owner(servers) as connection, pytest.raises(Exception, match="rows are final"):
            connection.execute(f"DELETE FROM {table}")
