"""All conditions on a table's rows in one function, which PostgreSQL keeps ready.

A CHECK constraint is stored as text that PostgreSQL reads anew in every statement that writes to
the table; a dozen of them were a quarter of what a booking cost it. One constraint that calls a
function is read at a fraction of that, and the function is read once per connection. Each condition
keeps its name: an error says `ck_<table>_<condition>`, as if it were a constraint of its own.
"""

import re
from collections.abc import Mapping

from sqlalchemy import DDL, CheckConstraint, Connection, Table, event, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import conv

Conditions = Mapping[str, str]
"""By their names. One that is unknown for a row, because of a NULL, is fulfilled by it."""

_TEXT_OR_OPERATOR = re.compile(r"('[^']*')|(<>|<=|>=|[=<>+-])")
_TEXT = re.compile(r"'[^']*'")
_FUNCTION = re.compile(r"\bnum_nonnulls\b")
_HIDDEN_OPERATOR = re.compile(r"\b(?:NOT\s+)?IN\b|\bBETWEEN\b|\bDISTINCT\b|\bLIKE\b|\bNULLIF\b")
_COLUMNS = """SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
 WHERE a.attrelid = to_regclass(CAST(:name AS text)) AND a.attnum > 0 AND NOT a.attisdropped"""


def add_row_checks(table: Table, conditions: Conditions) -> None:
    """Give the table its function and the constraint that calls it."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    types = {column.name: column.type.compile(dialect) for column in table.columns}
    for statement in function_of(table.name, conditions, types):
        ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(table, "before_create", ddl)
    table.append_constraint(
        CheckConstraint(_call_of(table.name, conditions, types), name=conv(_name_of(table.name)))
    )


def replace_row_checks(connection: Connection, table: str, conditions: Conditions) -> None:
    """For migrations: let these conditions hold instead of those that the table has so far.

    Fails with SQLSTATE 23514 where a row does not fulfil them.
    """
    remove_row_checks(connection, table)
    types = {row[0]: row[1] for row in connection.execute(text(_COLUMNS), {"name": table})}
    for statement in function_of(table, conditions, types):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(
        f"ALTER TABLE {table} ADD CONSTRAINT {_name_of(table)}"
        f" CHECK ({_call_of(table, conditions, types)})"
    )


def remove_row_checks(connection: Connection, table: str) -> None:
    """For migrations: let no condition hold on the table's rows, but those that are constraints."""
    connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_name_of(table)}")
    connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {_name_of(table)}")


def function_of(table: str, conditions: Conditions, types: Mapping[str, str]) -> list[str]:
    """Return the statements that make the function, for columns of these types.

    Usually all is well, so that is asked first, in one expression; which condition is broken is
    asked in the order of their names, as PostgreSQL does of constraints. Everybody may call it:
    who writes to a table runs what the table checks.
    """
    qualified = {name: _qualified(condition) for name, condition in sorted(conditions.items())}
    all_of_them = "\n  AND ".join(f"({condition})" for condition in qualified.values())
    refusals = "\n".join(
        f" IF ({condition}) IS FALSE THEN\n  {_refusal(table, name)}\n END IF;"
        for name, condition in qualified.items()
    )
    used = _used(conditions, types)
    parameters = ", ".join(f"{column} {types[column]}" for column in used)
    kinds = ", ".join(types[column] for column in used)
    body = f" IF ({all_of_them}) IS NOT FALSE THEN\n  RETURN true;\n END IF;\n{refusals}\n"
    making = (
        f"CREATE FUNCTION {_name_of(table)}({parameters}) RETURNS boolean"
        f" LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$ BEGIN\n{body} RETURN true;\nEND $$"
    )
    granting = f"GRANT EXECUTE ON FUNCTION {_name_of(table)}({kinds}) TO PUBLIC"
    return [making, granting]


def _name_of(table: str) -> str:
    return f"ck_{table}"


def _call_of(table: str, conditions: Conditions, types: Mapping[str, str]) -> str:
    return f"{_name_of(table)}({', '.join(_used(conditions, types))})"


def _used(conditions: Conditions, types: Mapping[str, str]) -> list[str]:
    """The columns that the conditions name, in an order that a table's history does not change."""
    words = set(re.findall(r"\w+", _TEXT.sub("", " ".join(conditions.values()))))
    return sorted(words & types.keys())


def _refusal(table: str, name: str) -> str:
    broken = f"{_name_of(table)}_{name}"
    message = f'new row for relation "{table}" violates check constraint "{broken}"'
    return (
        f"RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = '{message}',"
        f" TABLE = '{table}', CONSTRAINT = '{broken}';"
    )


def _qualified(condition: str) -> str:
    """Name each operator and function by its schema.

    The function is read under the search path of the connection, a constraint was not. Raises
    `ValueError` for a word that stands for an operator without showing it.
    """
    if hidden := _HIDDEN_OPERATOR.search(_TEXT.sub("", condition)):
        raise ValueError(f"{hidden[0]} hides its operator: {condition}")
    named = _FUNCTION.sub(r"pg_catalog.\g<0>", " ".join(condition.split()))
    return _TEXT_OR_OPERATOR.sub(
        lambda found: found[1] or f"OPERATOR(pg_catalog.{found[2]})", named
    )
