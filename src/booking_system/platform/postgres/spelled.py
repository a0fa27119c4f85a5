"""Core expressions as parts of statements that are still written as text."""

from typing import Any

from sqlalchemy import ClauseElement, ColumnElement, literal_column
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg


class NamedRow:
    """A row of the text around it, by its alias there; its columns are looked up by name."""

    def __init__(self, alias: str) -> None:
        """Take any alias: whether it has the columns, only PostgreSQL knows."""
        self._alias = alias
        self.c: Any = self

    def __getattr__(self, column: str) -> ColumnElement[Any]:
        return literal_column(f"{self._alias}.{column}")


def spelled(expression: ClauseElement) -> str:
    """Return the text of an expression that takes no values."""
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
    return str(expression.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
