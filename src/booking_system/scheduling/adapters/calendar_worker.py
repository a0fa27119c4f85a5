"""Plans the calendars that were asked for: about once a second, beside the requests."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.application.extend_horizon import Extension
from booking_system.scheduling.records import calendar_work
from booking_system.scheduling.records.refilling import refill_left_over
from booking_system.shared_kernel.clock import Clock

PAUSE_SECONDS = 1.0
"""Between two looks, on average; from half as long to half as long again."""
MOST_AT_ONCE = 20
"""Calendars of one look: the next one is a second later."""
AGAIN_AFTER = timedelta(seconds=30)
"""How long a calendar waits whose planning failed."""

log = structlog.get_logger("booking_system.calendars")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarWorker:
    """Takes one doctor after the other whose calendar is due; each in a transaction of its own."""

    database: Database
    extend: Callable[..., Awaitable[Extension]]
    clock: Clock

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="calendar work",
            round=self._look,
            failed="calendars_not_planned",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        )
        return job.running()

    async def _look(self) -> bool:
        await self.once()
        return True

    async def once(self) -> int:
        """Return how many were planned; what fails is logged, and put off."""
        planned = 0
        while planned < MOST_AT_ONCE and (done := await self._next()) is not None:
            planned += done
        return planned

    async def _next(self) -> int | None:
        """Return how many were planned, one or none; None: nothing is due that is free."""
        row = None
        try:
            async with self.database.whole() as whole:
                connection, now = await whole.connection(), self.clock.now()
                doctor_id = await calendar_work.take(connection, now=now)
                if doctor_id is None:
                    return None
                row = await calendar_work.asked_for(connection, doctor_id, now=now)
                if row is not None:
                    await self._plan(connection, row)
        except Exception as error:
            if row is None:
                raise
            name = type(error).__name__
            log.warning("calendar_not_planned", doctor_id=str(row["doctor_id"]), error=name)
            await self._put_off(row)
        return int(row is not None)

    async def _plan(self, connection: asyncpg.Connection, row: Any) -> None:
        """Plan some thousand slots; what remains stays asked for, in this very transaction."""
        doctor_id, until = row["doctor_id"], None
        if row["planned_until"] is not None:
            extension = await self.extend(doctor_id=doctor_id, since=row["planned_until"])
            until = extension.planned_until
        now = self.clock.now()
        was_all = await refill_left_over(connection, doctor_id, now=now)
        if until is None and was_all:
            await calendar_work.done(connection, row)
        else:
            await calendar_work.go_on(connection, row, planned_until=until)
        await calendar_work.ask_at_end_of_holds(connection, doctor_id, now=now)

    async def _put_off(self, row: object) -> None:
        async with self.database.driver_transaction() as connection:
            until = self.clock.now() + AGAIN_AFTER
            await calendar_work.put_off(connection, row, until=until)
