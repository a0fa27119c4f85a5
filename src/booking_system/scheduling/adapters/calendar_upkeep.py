"""Keeps calendars filled beside the requests: every few hours, in one process at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

import structlog

from booking_system.platform.postgres.periodic import PeriodicJob, take_turn
from booking_system.platform.postgres.retry import retrying
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.application.availability_ports import DoctorsWithAvailability
from booking_system.scheduling.application.extend_horizon import Extension
from booking_system.shared_kernel.identifiers import DoctorId

FIRST_SECONDS = 60.0
PAUSE_SECONDS = 4 * 3600.0
AGAIN_SECONDS = 300.0
"""After the start, between two rounds, after one that failed: on average, from half as long to half
as long again."""
REST_SECONDS = 0.2
"""Between two doctors: the requests go first."""
LOCK = 0x6361_6C73

log = structlog.get_logger("booking_system.calendars")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarUpkeep:
    """Extends the calendar of one doctor after the other, as `booking-system extend-horizon` does.

    The lock is taken anew with each doctor, so that no connection is kept for all of them. Where
    two processes begin at the same time, one of them leaves the round to the other.
    """

    database: Database
    doctors: DoctorsWithAvailability
    extend: Callable[..., Awaitable[Extension]]

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="calendars",
            round=self.once,
            failed="calendars_not_extended",
            first_pause=FIRST_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=AGAIN_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Say whether the round was whole. A doctor's failure is logged, and the next one done."""
        done: list[Extension] = []
        failed = 0
        for doctor_id in await self.doctors():
            try:
                extension = await self._whole(doctor_id)
            except Exception as error:  # noqa: BLE001  (whatever it was: again at the next round)
                failed += 1
                name = type(error).__name__
                log.warning("calendar_not_extended", doctor_id=str(doctor_id), error=name)
            else:
                if extension is None:
                    log.info("calendars_left_to_another_process")
                    return True
                done.append(extension)
            await asyncio.sleep(REST_SECONDS)
        _tell(Extension.of(done), failed)
        return failed == 0

    async def _whole(self, doctor_id: DoctorId) -> Extension | None:
        """Do a part after the other, each in a transaction of its own."""
        parts: list[Extension] = []
        while not parts or parts[-1].planned_until is not None:
            since = parts[-1].planned_until if parts else None
            part = await retrying(self._extend)(doctor_id, since)
            if part is None:
                return None
            parts.append(part)
        return Extension.of(parts)

    async def _extend(self, doctor_id: DoctorId, since: datetime | None) -> Extension | None:
        """Return what was done; None where another process is at it."""
        async with self.database.whole() as whole:
            connection = await whole.connection()
            if not await take_turn(connection, LOCK):
                return None
            return await self.extend(doctor_id=doctor_id, since=since)


def _tell(done: Extension, failed: int) -> None:
    log.info(
        "calendars_extended",
        doctors=done.doctors,
        failed=failed,
        opened=done.opened,
        withdrawn=done.withdrawn,
    )
    if done.moved:
        # The command says which: they keep their instant until somebody moves them.
        log.warning("bookings_show_another_time_than_booked", bookings=len(done.moved))
