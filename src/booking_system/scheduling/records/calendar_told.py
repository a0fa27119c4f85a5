"""Changes of calendars, told: one event for a stretch of time, however many slots are in it."""

from collections.abc import Iterable
from datetime import datetime

import asyncpg

from booking_system.platform.postgres.outbox import RECORD, events_text
from booking_system.scheduling.domain.events import CalendarCause, CalendarChanged
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId
from booking_system.shared_kernel.period import Period


async def tell_calendar(  # noqa: PLR0913
    connection: asyncpg.Connection,
    clinic_id: ClinicId,
    doctor_id: DoctorId | None,
    *,
    since: datetime,
    until: datetime | None,
    because: CalendarCause,
    now: datetime,
) -> None:
    """Store the event in the transaction that changes the calendar; instants in UTC."""
    event = CalendarChanged(
        occurred_at=now,
        clinic_id=clinic_id,
        doctor_id=doctor_id,
        starts_at=since,
        ends_at=until,
        because=because,
    )
    await RECORD.execute(connection, events=events_text([event]))


def hull(periods: Iterable[Period]) -> Period | None:
    """Return the shortest period that has all of these in it; None where there are none."""
    whole = list(periods)
    if not whole:
        return None
    return Period(min(one.starts_at for one in whole), max(one.ends_at for one in whole))
