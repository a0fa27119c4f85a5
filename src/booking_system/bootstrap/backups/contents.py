"""What a database holds, in numbers by which two databases can be compared."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.bootstrap.migrations import revision_of

Step = Callable[[int, int], None]
"""How many of how many are done."""

AS_TEXT = (
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL extra_float_digits = 1",
)
"""Rows are summed up as text, which must not hang on who asks."""
TABLES = text(
    "SELECT quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
)
SEQUENCES = text(
    "SELECT s.relname AS name, format('SELECT coalesce(max(%I), 0) FROM public.%I', a.attname,"
    " t.relname) AS used FROM pg_class s JOIN pg_depend d ON d.objid = s.oid"
    " AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
    " JOIN pg_class t ON t.oid = d.refobjid"
    " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid"
    " JOIN pg_namespace n ON n.oid = s.relnamespace"
    " WHERE s.relkind = 'S' AND d.deptype IN ('a', 'i') AND n.nspname = 'public' ORDER BY 1"
)
"""Those that number the rows of a table, with the query for the highest number in use."""
LAST = text(
    "SELECT coalesce(last_value, 0) FROM pg_sequences"
    " WHERE schemaname = 'public' AND sequencename = :name"
)
# One query for all rows of a table, in any order.
ROWS = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM public.{table} t"


class Rows(BaseModel):
    """How many rows a table has, and the sum of the hashes of each."""

    count: int
    digest: str


class Contents(BaseModel):
    """Every table of a database, at one moment.

    Sequences belong to no moment; `behind` are those that would give a number a second time.
    """

    revision: str | None
    tables: dict[str, Rows]
    behind: list[str]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(table.count for table in self.tables.values())

    def differences(self, other: "Contents") -> list[str]:
        """Return a sentence for each thing that the other one has otherwise."""
        return list(_differences(self, other))


class _Both(NamedTuple):
    ours: object
    theirs: object


def _differences(ours: Contents, theirs: Contents) -> Iterator[str]:
    if ours.revision != theirs.revision:
        yield f"The tables are of revision {theirs.revision} instead of {ours.revision}."
    for name in sorted(ours.tables.keys() | theirs.tables.keys()):
        table = _Both(ours.tables.get(name), theirs.tables.get(name))
        if table.ours == table.theirs:
            continue
        counts = _Both(*(one.count if isinstance(one, Rows) else "no table" for one in table))
        if counts.ours == counts.theirs:
            yield f"{name}: {counts.ours} rows as before, but not the same ones."
        else:
            yield f"{name}: {counts.theirs} rows instead of {counts.ours}."
    for name in theirs.behind:
        yield f"The sequence {name} is behind the numbers that are in use."


async def contents_of(connection: AsyncConnection, step: Step) -> Contents:
    """Read all of it once, in the caller's transaction; `step` tells of each table."""
    for setting in AS_TEXT:
        await connection.execute(text(setting))
    names = (await connection.scalars(TABLES)).all()
    tables = {}
    for number, name in enumerate(names):
        step(number, len(names))
        row = (await connection.execute(text(ROWS.format(table=name)))).one()
        tables[name] = Rows(count=row[0], digest=str(row[1]))
    step(len(names), len(names))
    revision = await revision_of(connection)
    return Contents(revision=revision, tables=tables, behind=await _behind(connection))


async def _behind(connection: AsyncConnection) -> list[str]:
    behind = []
    for name, used in (await connection.execute(SEQUENCES)).all():
        highest = await connection.scalar(text(used))
        last = await connection.scalar(LAST, {"name": name})
        if highest is not None and last is not None and highest > last:
            behind.append(name)
    return behind


async def is_empty(connection: AsyncConnection) -> bool:
    """Say whether the database has no table yet."""
    return (await connection.scalars(TABLES)).first() is None
