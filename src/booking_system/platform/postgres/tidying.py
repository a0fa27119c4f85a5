"""Removes what is of no use any more: in small batches, beside the requests, in one process.

What it removes has no effect already: nothing is late or wrong where it does not run.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Self

import structlog
from sqlalchemy import ColumnElement, Select, Table, delete, select, tuple_

from booking_system.platform.postgres.periodic import PeriodicJob, take_turn
from booking_system.platform.postgres.phrases import how_many, materialized
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database

PAUSE_SECONDS = 300.0
"""Between two rounds, on average; from half as long to half as long again."""
BATCH_ROWS = 500
REST_SECONDS = 0.05
"""Between two batches: the requests go first."""
LOCK = 0x7469_6479

log = structlog.get_logger("booking_system.tidying")


@dataclass(frozen=True, slots=True)
class Chore:
    """A statement that changes at most $1 rows, none of them twice; `name` is for the log."""

    name: str
    statement: str

    @classmethod
    def deleting(
        cls,
        table: Table,
        *,
        over: ColumnElement[bool],
        oldest_first: ColumnElement[Any],
        others_change_it: bool = True,
    ) -> Self:
        """Return the chore that deletes the rows that are `over`.

        Where `others_change_it`, rows that somebody has locked are left for the next round.
        """
        found = select(*table.primary_key.columns).where(over).order_by(oldest_first)
        if others_change_it:
            found = found.with_for_update(skip_locked=True)
        is_found = in_batch(table, found)
        deleting: Statement[Any] = Statement(delete(table).where(is_found))
        return cls(table.name, deleting.text)


def in_batch(table: Table, found: Select[Any]) -> ColumnElement[bool]:
    """Return the condition that a row is one of the first $1 that are `found`, by primary key.

    They are looked for once: a plan that asks a subquery again for each row of a nested loop finds
    others each time, where the last ones are locked or changed by then.
    """
    batch = materialized("batch", found.limit(how_many("most")))
    return tuple_(*table.primary_key.columns).in_(select(*batch.c))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidying:
    """Does one chore after the other, every few minutes."""

    database: Database
    chores: Sequence[Chore]

    def running(self) -> AbstractAsyncContextManager[None]:
        """Tidy up for as long as the block lasts."""
        job = PeriodicJob(
            name="tidying",
            round=self.once,
            failed="tidying_failed",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Do every chore; say whether all are done. A failure is logged, and the next one done."""
        failed = 0
        for chore in self.chores:
            try:
                await self._do(chore)
            except Exception as error:  # noqa: BLE001  (whatever it was: again at the next round)
                failed += 1
                log.warning("tidying_failed", chore=chore.name, error=type(error).__name__)
        return failed == 0

    async def _do(self, chore: Chore) -> None:
        done = 0
        while changed := await self._batch(chore):
            done += changed
            if changed < BATCH_ROWS:
                break
            await asyncio.sleep(REST_SECONDS)
        if done:
            log.info("tidied", chore=chore.name, rows=done)

    async def _batch(self, chore: Chore) -> int:
        """Return how many rows it was; 0 also where another process is at it."""
        async with self.database.driver_transaction() as connection:
            if not await take_turn(connection, LOCK):
                return 0
            told = await connection.execute(chore.statement, BATCH_ROWS)
            return int(told.rpartition(" ")[2])
