"""Overviews in PostgreSQL: one statement each, which reads no more than it needs of an index."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby

from booking_system.platform.postgres.searches import Reads
from booking_system.scheduling.adapters import overview_statements as statements
from booking_system.scheduling.adapters.slot_search import found_slot
from booking_system.scheduling.adapters.wanted_slots import Filters, values_of
from booking_system.scheduling.domain.overview import (
    CalendarSearch,
    NextSearch,
    SoonestDoctor,
)
from booking_system.scheduling.domain.search import SlotFilter
from booking_system.shared_kernel.period import Period

ONE_BY_ONE = 2
"""So many times the doctors of an answer are each asked for their first slot. Of more, the slots of
the next days are gone through in the order of time until enough doctors were met: there are many of
them at any time. Where they were not, each doctor is asked after all."""
ONE_BY_ONE_OF_MODE = 20
"""So many times as many where also the mode is chosen: most of a clinic's slots may be of another,
while an index says at once that a doctor has none."""
FOR_EVER = datetime(2200, 1, 1, tzinfo=UTC)
"""How far ahead is each clinic's own matter."""


class PostgresOverview:
    """Reads overviews."""

    def __init__(self, database: Reads) -> None:
        """Reads go through single statements, outside any transaction."""
        self._database = database

    async def next(self, search: NextSearch, *, now: datetime) -> Sequence[SoonestDoctor]:
        """Find the soonest doctors, whether there are three of them or a hundred thousand."""
        filters = Filters.of(search)
        times = ONE_BY_ONE_OF_MODE if filters.is_near and filters.mode else ONE_BY_ONE
        statement = statements.soonest(filters, one_by_one=times)
        values = values_of(search) | {"since": search.after, "until": FOR_EVER, "now": now}
        values |= {"most_doctors": search.limit, "most_of_each": search.per_doctor}
        async with self._database.reading() as connection:
            rows = await statement.fetch(connection, **values)
        slots = [found_slot(row) for row in rows]
        return [
            SoonestDoctor(slots=list(own)) for _, own in groupby(slots, key=lambda it: it.doctor_id)
        ]

    async def zone_of(self, wanted: SlotFilter) -> str | None:
        """Return the time zone of the doctor's clinic, or of the clinic; None: there is none."""
        async with self._database.reading() as connection:
            zone: str | None = (
                await statements.ZONE_OF_CLINIC.fetchval(connection, clinic_id=wanted.clinic_id)
                if wanted.doctor_id is None
                else await statements.ZONE_OF_DOCTOR.fetchval(
                    connection, doctor_id=wanted.doctor_id
                )
            )
        return zone

    async def count(
        self, search: CalendarSearch, days: Sequence[Period], *, now: datetime
    ) -> dict[int, tuple[int, datetime]]:
        """Count by the place of the day among `days`, and say when the first slot begins."""
        since = [one.starts_at for one in days]
        values = values_of(search) | {"since": since[0], "until": days[-1].ends_at, "now": now}
        values["days_since"] = since
        statement = statements.per_day(Filters.of(search))
        async with self._database.reading() as connection:
            rows = await statement.fetch(connection, **values)
        return {row["place"]: (row["open_slots"], row["first"]) for row in rows}
