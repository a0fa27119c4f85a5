"""What makes a table slow to fill: its indexes, its exclusions, its references."""

from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import select

from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.tables import time_slots

TABLE = time_slots.name

LOCK = f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE"

IS_EMPTY: Statement[Any] = Statement(select(~select(time_slots.c.id).exists()))

CONSTRAINTS = """SELECT conname AS name, pg_get_constraintdef(oid) AS definition
 FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype IN ('x', 'f')
 ORDER BY contype, conname"""

INDEXES = """SELECT quote_ident(c.relname) AS name, pg_get_indexdef(i.indexrelid) AS definition
 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = $1::text::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conindid = i.indexrelid)
 ORDER BY c.relname"""


@dataclass(frozen=True, slots=True)
class Guards:
    """Statements that put back what was taken away, in the words of the database's own catalogue.

    To be used inside one transaction: if that fails, nothing was ever away. Nobody else reaches the
    table meanwhile. Keys stay, so that what refers to the table can go on.
    """

    statements: tuple[str, ...]

    @classmethod
    async def taken_from(cls, connection: asyncpg.Connection) -> "Guards":
        """Take them from an empty table. Raises `ValueError` for one that has rows."""
        await connection.execute(LOCK)
        if not await IS_EMPTY.fetchval(connection):
            raise ValueError("the table has rows")
        indexes = await connection.fetch(INDEXES, TABLE)
        constraints = await connection.fetch(CONSTRAINTS, TABLE)
        for row in indexes:
            await connection.execute(f"DROP INDEX {row['name']}")
        for row in constraints:
            await connection.execute(f'ALTER TABLE {TABLE} DROP CONSTRAINT "{row["name"]}"')
        return cls(
            (
                *(row["definition"] for row in indexes),
                *(
                    f'ALTER TABLE {TABLE} ADD CONSTRAINT "{row["name"]}" {row["definition"]}'
                    for row in constraints
                ),
            )
        )
