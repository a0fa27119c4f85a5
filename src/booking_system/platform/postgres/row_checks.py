"""All conditions on a table's rows in one function, which PostgreSQL keeps ready.

A CHECK constraint is stored as text that PostgreSQL reads anew in every statement that writes to
the table; a dozen of them were a quarter of what a booking cost it. One constraint that hands the
row to a function is read at a fraction of that, and the function is read once per connection. Each
condition keeps its name: an error says `ck_<table>_<condition>`, as if it were a constraint of its
own.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import DDL, Connection, Table, event, text

Conditions = Mapping[str, str]
"""By their names. A condition that is unknown for a row, because of a NULL, is fulfilled by it."""

_TEXT_OR_OPERATOR = re.compile(r"('[^']*')|(<>|<=|>=|[=<>+-])")
_TEXT_OR_WORD = re.compile(r"('[^']*')|\b([a-z_]+)\b")
_TEXT = re.compile(r"'[^']*'")
_HIDDEN_OPERATOR = re.compile(r"\b(?:NOT\s+)?IN\b|\bBETWEEN\b|\bDISTINCT\b|\bLIKE\b|\bNULLIF\b")
_FUNCTIONS = frozenset({"num_nonnulls", "tstzmultirange", "tstzrange"})
_COLUMNS = """SELECT attname FROM pg_attribute
 WHERE attrelid = to_regclass(CAST(:name AS text)) AND attnum > 0 AND NOT attisdropped"""


def add_row_checks(table: Table, conditions: Conditions) -> None:
    """Give the table its function and the constraint that calls it."""
    follow(table, making(table.name, conditions, table.columns.keys()))


def replace_row_checks(connection: Connection, table: str, conditions: Conditions) -> None:
    """For migrations: let these conditions hold instead of those that the table has so far.

    Fails with SQLSTATE 23514 where a row does not fulfil them.
    """
    remove_row_checks(connection, table)
    for statement in making(table, conditions, columns_of(connection, table)):
        connection.exec_driver_sql(statement)


def reword_row_checks(connection: Connection, table: str, conditions: Conditions) -> None:
    """For migrations: let these conditions hold for what is written from now on.

    No row is read, and nobody waits: only for conditions that all rows fulfil, such as a list with
    more words than before.
    """
    function, *_ = making(table, conditions, columns_of(connection, table))
    connection.exec_driver_sql(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))


def remove_row_checks(connection: Connection, table: str) -> None:
    """For migrations: let no condition hold on the table's rows, but those that are constraints."""
    connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_name_of(table)}")
    connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {_name_of(table)}")


def follow(table: Table, statements: Iterable[str]) -> None:
    """Have the statements said wherever the table was created."""
    for statement in statements:
        ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", ddl)


def columns_of(connection: Connection, table: str) -> Sequence[str]:
    """Return the names of the columns of a table that is there."""
    return connection.execute(text(_COLUMNS), {"name": table}).scalars().all()


def making(table: str, conditions: Conditions, columns: Collection[str]) -> list[str]:
    """Return the statements that make the function and the constraint of a table that is there.

    Usually all is well, so that is asked first, in one expression; which condition is broken is
    asked in the order of their names, as PostgreSQL does of constraints. Everybody may call it:
    who writes to a table runs what the table checks.
    """
    name = _name_of(table)
    said = {
        key: of_row("new_row", condition, columns) for key, condition in sorted(conditions.items())
    }
    all_of_them = "\n  AND ".join(f"({condition})" for condition in said.values())
    refusals = "\n".join(
        f" IF ({condition}) IS FALSE THEN\n  {_refusal(table, key)}\n END IF;"
        for key, condition in said.items()
    )
    body = f" IF ({all_of_them}) IS NOT FALSE THEN\n  RETURN true;\n END IF;\n{refusals}\n"
    # The whole row: each column that is named for itself would be read from stored text again.
    function = (
        f"CREATE FUNCTION {name}(new_row {table}) RETURNS boolean"
        f" LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$ BEGIN\n{body} RETURN true;\nEND $$"
    )
    grant = f"GRANT EXECUTE ON FUNCTION {name}({table}) TO PUBLIC"
    return [function, grant, f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({name}({table}))"]


def _name_of(table: str) -> str:
    return f"ck_{table}"


def _refusal(table: str, name: str) -> str:
    broken = f"{_name_of(table)}_{name}"
    message = f'new row for relation "{table}" violates check constraint "{broken}"'
    return (
        f"RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = '{message}',"
        f" TABLE = '{table}', CONSTRAINT = '{broken}';"
    )


def of_row(row: str, expression: str, columns: Collection[str]) -> str:
    """Take columns from the row of that name, and name each operator and function by its schema.

    A function is read under the search path of the connection, a constraint was not. Raises
    `ValueError` for a word that stands for an operator without showing it.
    """
    if hidden := _HIDDEN_OPERATOR.search(_TEXT.sub("", expression)):
        raise ValueError(f"{hidden[0]} hides its operator: {expression}")

    def word(found: re.Match[str]) -> str:
        if found[2] in columns:
            return f"{row}.{found[2]}"
        return f"pg_catalog.{found[2]}" if found[2] in _FUNCTIONS else found[0]

    taken = _TEXT_OR_WORD.sub(word, " ".join(expression.split()))
    return _TEXT_OR_OPERATOR.sub(
        lambda found: found[1] or f"OPERATOR(pg_catalog.{found[2]})", taken
    )
