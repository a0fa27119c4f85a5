"""Overviews in PostgreSQL: one statement each, which reads no more than it needs of an index."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby

from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.adapters.service_search import OFFERED
from booking_system.scheduling.adapters.slot_search import (
    BOOKABLE,
    COLUMNS,
    JOINED,
    found_slot,
)
from booking_system.scheduling.domain.overview import (
    CalendarSearch,
    NextSearch,
    SoonestDoctor,
)
from booking_system.shared_kernel.period import Period

MOST_ASKED_ONE_BY_ONE = 200
"""So many doctors are each asked for their first slot. Of more, the slots are gone through in the
order of time until enough doctors were met: then there are many of them at any time."""

NEXT = """WITH RECURSIVE wanted AS MATERIALIZED (
  SELECT d.id FROM doctors d WHERE d.deleted_at IS NULL {of_doctor} LIMIT {most} + 1),
 few AS (
  SELECT d.id AS doctor_id, f.starts_at, f.id FROM wanted d CROSS JOIN LATERAL (
   SELECT s.starts_at, s.id FROM time_slots s JOIN clinics c ON c.id = s.clinic_id
   WHERE s.doctor_id = d.id AND {bookable} {of_slot} ORDER BY s.starts_at, s.id LIMIT 1) f
  WHERE (SELECT count(*) FROM wanted) <= {most}),
 many AS (
  SELECT 0 AS met, ARRAY[]::uuid[] AS doctors, $1::timestamptz AS starts_at,
   '00000000-0000-0000-0000-000000000000'::uuid AS id, NULL::uuid AS doctor_id
  WHERE (SELECT count(*) FROM wanted) > {most}
  UNION ALL
  SELECT m.met + 1, m.doctors || f.doctor_id, f.starts_at, f.id, f.doctor_id
  FROM many m CROSS JOIN LATERAL (
   SELECT s.starts_at, s.id, s.doctor_id {joined}
   WHERE {bookable} {of_slot} {of_doctor} AND (s.starts_at, s.id) > (m.starts_at, m.id)
    AND s.doctor_id <> ALL (m.doctors) ORDER BY s.starts_at, s.id LIMIT 1) f
  WHERE m.met < $4),
 soonest AS (
  SELECT * FROM (SELECT doctor_id, starts_at, id FROM few
   UNION ALL SELECT doctor_id, starts_at, id FROM many WHERE met > 0) AS one
  ORDER BY starts_at, id LIMIT $4)
 SELECT f.* FROM soonest n CROSS JOIN LATERAL (
  SELECT {columns} {joined} WHERE s.doctor_id = n.doctor_id AND {bookable} {of_slot}
   AND s.starts_at >= n.starts_at ORDER BY s.starts_at, s.id LIMIT $5) f
 ORDER BY n.starts_at, n.id, f.starts_at, f.id"""

ZONE_OF_DOCTOR = """SELECT c.time_zone FROM doctors d JOIN clinics c ON c.id = d.clinic_id
 WHERE d.id = $1 AND d.deleted_at IS NULL"""
ZONE_OF_CLINIC = "SELECT time_zone FROM clinics WHERE id = $1 AND deleted_at IS NULL"

DAYS = """SELECT n.place - 1 AS place, count(*) AS open_slots, min(s.starts_at) AS first
 FROM unnest($5::timestamptz[], $6::timestamptz[]) WITH ORDINALITY AS n(since, until, place)
 JOIN time_slots s ON s.starts_at >= n.since AND s.starts_at < n.until
 JOIN clinics c ON c.id = s.clinic_id
 WHERE s.{whose} = $4 AND {bookable} {of_slot} GROUP BY n.place"""


FOR_EVER = datetime(2200, 1, 1, tzinfo=UTC)
"""How far ahead is each clinic's own matter."""


class PostgresOverview:
    """Reads overviews."""

    def __init__(self, database: Database) -> None:
        """Reads go through single statements, outside any transaction."""
        self._database = database

    async def next(self, search: NextSearch, *, now: datetime) -> Sequence[SoonestDoctor]:
        """Find the soonest doctors, whether there are three of them or a hundred thousand."""
        values: list[object] = [search.after, FOR_EVER, now, search.limit, search.per_doctor]
        of_doctor: list[str] = []
        of_slot: list[str] = []
        for filters, condition, value in (
            (of_doctor, "d.clinic_id = ${}", search.clinic_id),
            (of_doctor, "lower(d.specialty) = lower(${})", search.specialty),
            (of_doctor, "${} = ANY(d.languages)", search.language),
            (of_slot, "s.mode = ${}", search.mode),
        ):
            if value is not None:
                values.append(value)
                filters.append(f"AND {condition.format(len(values))}")
        if search.service_id is not None:
            values.append(search.service_id)
            of_slot.append(f"AND {OFFERED.format(len(values))}")
            of_doctor.append(
                f"AND EXISTS (SELECT FROM service_doctors o WHERE o.service_id = ${len(values)}"
                " AND o.doctor_id = d.id)"
            )
        statement = NEXT.format(
            of_doctor=" ".join(of_doctor),
            of_slot=" ".join(of_slot),
            bookable=BOOKABLE,
            joined=JOINED,
            columns=COLUMNS,
            most=MOST_ASKED_ONE_BY_ONE,
        )
        async with self._database.reading() as connection:
            rows = await connection.fetch(statement, *values)
        slots = [found_slot(row) for row in rows]
        return [
            SoonestDoctor(slots=list(own)) for _, own in groupby(slots, key=lambda it: it.doctor_id)
        ]

    async def zone_of(self, search: CalendarSearch) -> str | None:
        """Return the time zone of the doctor's clinic, or of the clinic; None: there is none."""
        async with self._database.reading() as connection:
            zone: str | None = (
                await connection.fetchval(ZONE_OF_CLINIC, search.clinic_id)
                if search.doctor_id is None
                else await connection.fetchval(ZONE_OF_DOCTOR, search.doctor_id)
            )
        return zone

    async def count(
        self, search: CalendarSearch, days: Sequence[Period], *, now: datetime
    ) -> dict[int, tuple[int, datetime]]:
        """Count by the place of the day among `days`, and say when the first slot begins."""
        is_of_clinic = search.doctor_id is None
        whose = "clinic_id" if is_of_clinic else "doctor_id"
        which = search.clinic_id if is_of_clinic else search.doctor_id
        since, until = [one.starts_at for one in days], [one.ends_at for one in days]
        values: list[object] = [since[0], until[-1], now, which, since, until]
        of_slot = []
        for condition, value in (("s.mode = ${}", search.mode), (OFFERED, search.service_id)):
            if value is not None:
                values.append(value)
                of_slot.append(f"AND {condition.format(len(values))}")
        statement = DAYS.format(whose=whose, bookable=BOOKABLE, of_slot=" ".join(of_slot))
        async with self._database.reading() as connection:
            rows = await connection.fetch(statement, *values)
        return {row["place"]: (row["open_slots"], row["first"]) for row in rows}
