"""Columns that follow from others of their row, written by one function of the table.

A generated column is stored as text that PostgreSQL reads anew in every statement that writes to
the table, as it does with a CHECK (`row_checks`). A function is read once per connection. It has
the last word before the row is stored: what a statement gives for such a column is written over.
"""

import re
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, Table

from booking_system.platform.postgres.row_checks import columns_of, follow, of_row

Expressions = Mapping[str, str]
"""What each column is, in words that `row_checks` takes."""

_WORD = re.compile(r"\b[a-z_]+\b")


def add_derived_columns(table: Table, expressions: Expressions) -> None:
    """Give the table its function, and the trigger that calls it."""
    follow(table, making(table.name, expressions, table.columns.keys()))


def derive_columns(connection: Connection, table: str, expressions: Expressions) -> None:
    """For migrations: write these columns from now on. What is stored stays as it is."""
    for statement in making(table, expressions, columns_of(connection, table)):
        connection.exec_driver_sql(statement)


def stop_deriving_columns(connection: Connection, table: str) -> None:
    """For migrations: have nothing written any more but what statements say."""
    name = _name_of(table)
    connection.exec_driver_sql(f"DROP TRIGGER {name} ON {table}")
    connection.exec_driver_sql(f"DROP FUNCTION {name}")


def making(table: str, expressions: Expressions, columns: Collection[str]) -> list[str]:
    """Return the statements that make the function and the trigger of a table that is there.

    An UPDATE calls it where it names one of these columns, or a column from which they follow.
    """
    name = _name_of(table)
    said = "\n".join(
        f" NEW.{column} := {of_row('NEW', expression, columns)};"
        for column, expression in sorted(expressions.items())
    )
    named = {word for one in expressions.values() for word in _WORD.findall(one)}
    watched = ", ".join(sorted(expressions.keys() | named & {*columns}))
    function = (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n{said}\n"
        " RETURN NEW;\nEND $$"
    )
    trigger = (
        f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE OF {watched} ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {name}()"
    )
    return [function, trigger]


def _name_of(table: str) -> str:
    return f"derive_{table}"
