"""Phrases of PostgreSQL for which SQLAlchemy Core has no short word."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Insert,
    Integer,
    Interval,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    literal,
    literal_column,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE
from sqlalchemy.sql.selectable import GenerativeSelect
from sqlalchemy.types import TypeEngine

INSTANT: TypeEngine[datetime] = DateTime(timezone=True)
WALL_CLOCK: TypeEngine[datetime] = DateTime()

MINUTE: ColumnElement[timedelta] = literal_column("interval '1 minute'", Interval)
DAY: ColumnElement[timedelta] = literal_column("interval '1 day'", Interval)


def minutes(count: ColumnElement[Any]) -> ColumnElement[timedelta]:
    """Return so many minutes as an interval."""
    return count * MINUTE


def ago(time: timedelta) -> ColumnElement[datetime]:
    """Return the instant that was so long ago when the transaction began."""
    return func.now(type_=INSTANT) - literal(time, Interval())


def days(count: ColumnElement[Any]) -> ColumnElement[timedelta]:
    """Return so many days as an interval."""
    return count * DAY


def during(since: Any, until: Any) -> ColumnElement[Any]:
    """Return the range of instants from `since` on, `until` left out."""
    return func.tstzrange(since, until, type_=TSTZRANGE)


def meets(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that two ranges, or two arrays, have something in common."""
    return one.bool_op("&&")(other)


def array_of(query: Select[Any]) -> ColumnElement[Any]:
    """Return the ids that a query of one column finds, as an array."""
    return func.array(query.scalar_subquery(), type_=ARRAY(Uuid()))


def materialized(name: str, query: GenerativeSelect) -> CTE:
    """Return the query as a part that is read once and in front of the others."""
    return query.cte(name).prefix_with("MATERIALIZED")


def asked_singly(query: Select[Any]) -> Select[Any]:
    """Keep a question one about single rows: PostgreSQL makes no join of one with `OFFSET`."""
    return query.offset(literal_column("0"))


def hidden(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the text of a column that is never null, so that no index is chosen for its condition.

    PostgreSQL prefers an exclusion constraint's index where the constraint's condition is in the
    question, and one look into that costs several times as much as in the index of a list.
    """
    return func.coalesce(column, literal_column("''"), type_=column.type)


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the value of a column that is never null, so that no index is chosen for it.

    While a table has no statistics, such as in a new installation, any of its indexes seems as good
    as the right one, and a plan that was made then is kept until somebody looks at the table.
    """
    return func.coalesce(column, column)


def is_live(row: FromClause) -> ColumnElement[bool]:
    """Return the condition that a row, which is looked for by its id, was not deleted.

    For the plain words PostgreSQL may read an index of all that is live from end to end, while the
    table has no statistics.
    """
    for_ever: ColumnElement[Any] = literal_column("'infinity'")
    deleted_at = row.c.deleted_at
    return func.coalesce(deleted_at, for_ever, type_=deleted_at.type) == for_ever


def given(column: ColumnElement[Any], name: str | None = None) -> BindParameter[Any]:
    """Return the place of a value of the column, by its name if no other is said."""
    return bindparam(name or column.key, type_=column.type)


def row_of(table: Table, names: Sequence[str]) -> Insert:
    """Return the statement that inserts one row: a value for each of these columns."""
    return insert(table).values({name: given(table.c[name]) for name in names})


def an_id(name: str) -> BindParameter[UUID]:
    """Return the place of an id."""
    return bindparam(name, type_=Uuid())


def ids(name: str) -> BindParameter[Any]:
    """Return the place of an array of ids."""
    return bindparam(name, type_=ARRAY(Uuid()))


def instant(name: str) -> BindParameter[datetime]:
    """Return the place of an instant."""
    return bindparam(name, type_=INSTANT)


def instants(name: str) -> BindParameter[Any]:
    """Return the place of an array of instants."""
    return bindparam(name, type_=ARRAY(INSTANT))


def wall_clocks(name: str) -> BindParameter[Any]:
    """Return the place of an array of what clocks on walls show."""
    return bindparam(name, type_=ARRAY(WALL_CLOCK))


def texts(name: str) -> BindParameter[Any]:
    """Return the place of an array of texts."""
    return bindparam(name, type_=ARRAY(Text()))


def a_date(name: str) -> BindParameter[date]:
    """Return the place of a date."""
    return bindparam(name, type_=Date())


def a_text(name: str) -> BindParameter[str]:
    """Return the place of a text."""
    return bindparam(name, type_=Text())


def a_number(name: str) -> BindParameter[int]:
    """Return the place of a whole number."""
    return bindparam(name, type_=Integer())


def how_many(name: str) -> BindParameter[int]:
    """Return the place of a number of rows, for a `LIMIT`."""
    return bindparam(name, type_=BigInteger())
