"""The hand of somebody with the owner's rights on the database: takes guards away, changes rows, puts guards back."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.servers import Servers, plain


@contextmanager
def owner(servers: Servers) -> Iterator[psycopg.Connection]:
    with psycopg.connect(plain(servers.addresses.owner), autocommit=True) as connection:
        yield connection


def tamper(servers: Servers, table: str, *statements: str) -> None:
    """Run the statements with the table's triggers off."""
    with owner(servers) as connection:
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            for statement in statements:
                connection.execute(statement)
        finally:
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
