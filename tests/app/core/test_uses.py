"""The ledger of who used whose data."""

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import ProgrammingError

from app.core import db, uses
from app.core.errors import FieldError, Problem
from app.core.uses import DataUse

pytestmark = pytest.mark.usefixtures("db_clean")


def note(session, n=0, citizen="ct_1", fields=("name", "id_number")):
    return uses.note(
        session, citizen_id=citizen, actor="ac_1", purpose="case.submit", fields=fields, recipient="province", ref=f"cs_{n}"
    )  # fmt: skip


def test_a_use_is_in_the_transaction_of_the_use():
    with pytest.raises(LookupError), db.transaction() as session:
        note(session)
        raise LookupError
    with db.transaction() as session:
        assert uses.list_for(session, "ct_1").rows == ()
        note(session, fields=("name", "id_number", "name"))
    with db.transaction() as session:
        (row,) = uses.list_for(session, "ct_1").rows
    assert (row.purpose, row.fields, row.recipient, row.ref) == (
        "case.submit",
        ["id_number", "name"],
        "province",
        "cs_0",
    )


def test_pages_are_newest_first_and_meet_without_gap_or_overlap():
    with db.transaction() as session:
        made = [note(session, n) for n in range(7)]
    seen, cursor = [], None
    while True:
        with db.transaction() as session:
            page = uses.list_for(session, "ct_1", cursor, limit=3)
        seen += [row.id for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == sorted(made, reverse=True)


@pytest.mark.parametrize("cursor", ["", "du_x", "'; DROP TABLE data_uses", "ct_1"])
def test_a_foreign_cursor_is_refused(cursor):
    with db.transaction() as session, pytest.raises(Problem) as refused:
        uses.list_for(session, "ct_1", cursor)
    assert refused.value.errors == (FieldError("cursor", "format"),)


def test_one_citizen_never_sees_another_s():
    with db.transaction() as session:
        note(session, citizen="ct_2")
        assert uses.list_for(session, "ct_1").rows == ()


@pytest.mark.parametrize("statement", [update(DataUse).values(purpose="x"), delete(DataUse)])
def test_the_application_cannot_change_the_ledger(statement):
    with db.transaction() as session:
        note(session)
    with pytest.raises(ProgrammingError, match="permission denied"), db.transaction() as session:
        session.execute(statement)
    with db.transaction() as session:
        assert session.scalars(select(DataUse.purpose)).all() == ["case.submit"]
