"""Overviews in PostgreSQL: one statement each, which reads no more than it needs of an index."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby

from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.adapters.slot_page import IS_WANTED, Wish
from booking_system.scheduling.adapters.slot_search import columns_of, found_slot
from booking_system.scheduling.domain.overview import (
    CalendarSearch,
    NextSearch,
    SoonestDoctor,
)
from booking_system.shared_kernel.period import Period

ONE_BY_ONE = 2
"""So many times the doctors of an answer are each asked for their first slot. Of more, the slots of
the next days are gone through in the order of time until enough doctors were met: there are many of
them at any time. Where they were not, each doctor is asked after all."""
ONE_BY_ONE_OF_MODE = 20
"""So many times as many where also the mode is chosen: most of a clinic's slots may be of another,
while an index says at once that a doctor has none."""
DAYS_GONE_THROUGH = 3

NEXT = """WITH RECURSIVE {known}, {wanted},
 many AS (
  SELECT 0 AS met, ARRAY[]::uuid[] AS doctors,
   greatest($1::timestamptz, $3::timestamptz) AS starts_at,
   '00000000-0000-0000-0000-000000000000'::uuid AS id, NULL::uuid AS doctor_id
  WHERE (SELECT count(*) FROM wanted) >= {one_by_one} * $4
  UNION ALL
  SELECT m.met + 1, m.doctors || f.doctor_id, f.starts_at, f.id, f.doctor_id
  FROM many m CROSS JOIN LATERAL (
   SELECT s.starts_at, s.id, s.doctor_id FROM time_slots s
   WHERE {bookable_behind} {of_slot} {of_scan} AND {is_wanted}
    AND s.doctor_id <> ALL (m.doctors) ORDER BY s.starts_at, s.id LIMIT 1) f
  WHERE m.met < $4),
 few AS (
  SELECT d.id AS doctor_id, f.starts_at, f.id FROM wanted d CROSS JOIN LATERAL (
   SELECT s.starts_at, s.id FROM time_slots s
   WHERE s.doctor_id = d.id AND {bookable} {of_slot} ORDER BY s.starts_at, s.id LIMIT 1) f
  WHERE (SELECT count(*) FROM many) <= $4),
 soonest AS (
  SELECT * FROM (SELECT doctor_id, starts_at, id FROM few UNION ALL
   SELECT doctor_id, starts_at, id FROM many
   WHERE met > 0 AND (SELECT count(*) FROM many) > $4) AS one
  ORDER BY starts_at, id LIMIT $4), {shown}
 ORDER BY s.soonest_at, s.soonest, s.starts_at, s.id"""

BEHIND = f"""s.starts_at >= m.starts_at AND (s.starts_at, s.id) > (m.starts_at, m.id)
 AND s.starts_at < greatest($1, $3) + interval '{DAYS_GONE_THROUGH} days' AND s.starts_at < $2"""
"""In place of the usual range: an index is entered at the first bound that it is given."""

OF_EACH = """SELECT f.*, n.starts_at AS soonest_at, n.id AS soonest
 FROM soonest n CROSS JOIN LATERAL (
  SELECT s.* FROM (SELECT s.* FROM time_slots s
    WHERE s.doctor_id = n.doctor_id AND {bookable} {of_slot} AND s.starts_at >= n.starts_at
    ORDER BY s.starts_at, s.id LIMIT 20) s ORDER BY s.starts_at, s.id LIMIT $5) f"""
"""Nobody may ask for more than twenty; a general plan, which does not know $5, does know that."""

ZONE_OF_DOCTOR = """SELECT c.time_zone FROM doctors d JOIN clinics c ON c.id = d.clinic_id
 WHERE d.id = $1 AND d.deleted_at IS NULL"""
ZONE_OF_CLINIC = "SELECT time_zone FROM clinics WHERE id = $1 AND deleted_at IS NULL"

DAYS = """WITH {known}{wanted}
 SELECT n.place - 1 AS place, count(*) AS open_slots, min(s.starts_at) AS first
 FROM unnest($4::timestamptz[], $5::timestamptz[]) WITH ORDINALITY AS n(since, until, place)
 JOIN time_slots s ON s.starts_at >= n.since AND s.starts_at < n.until
 WHERE {bookable}{of_slot} GROUP BY n.place"""


FOR_EVER = datetime(2200, 1, 1, tzinfo=UTC)
"""How far ahead is each clinic's own matter."""


class PostgresOverview:
    """Reads overviews."""

    def __init__(self, database: Database) -> None:
        """Reads go through single statements, outside any transaction."""
        self._database = database

    async def next(self, search: NextSearch, *, now: datetime) -> Sequence[SoonestDoctor]:
        """Find the soonest doctors, whether there are three of them or a hundred thousand."""
        statement, values = next_statement(search, now=now)
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
        statement, values = days_statement(search, days, now=now)
        async with self._database.reading() as connection:
            rows = await connection.fetch(statement, *values)
        return {row["place"]: (row["open_slots"], row["first"]) for row in rows}


def days_statement(
    search: CalendarSearch, days: Sequence[Period], *, now: datetime
) -> tuple[str, list[object]]:
    """Return the statement for just these filters, so that each has its own plan."""
    since, until = [one.starts_at for one in days], [one.ends_at for one in days]
    wish = Wish(search, [since[0], until[-1], now, since, until])
    chooses_doctors = search.specialty or search.language
    if chooses_doctors:
        wish.of_slot.append(IS_WANTED)
    statement = DAYS.format(
        known=wish.known(),
        wanted=f", {wish.wanted()}" if chooses_doctors else "",
        bookable=wish.bookable,
        of_slot="".join(f" AND {one}" for one in wish.of_slot),
    )
    return wish.asked(statement), wish.values


def next_statement(search: NextSearch, *, now: datetime) -> tuple[str, list[object]]:
    """Return the statement for just these filters, so that each has its own plan."""
    values = [search.after, FOR_EVER, now, search.limit, search.per_doctor]
    wish = Wish(search, values, by_doctor=True)
    of_slot, of_scan = (
        "".join(f" AND {one}" for one in conditions) for conditions in (wish.of_slot, wish.of_scan)
    )
    is_near = wish.needs or search.clinic_id or search.doctor_id
    statement = NEXT.format(
        known=wish.known(),
        wanted=wish.wanted(),
        bookable=wish.bookable,
        bookable_behind=f"{wish.untaken} AND {BEHIND} AND {wish.taken_by_all}",
        of_slot=of_slot,
        of_scan=of_scan,
        is_wanted=IS_WANTED,
        one_by_one=ONE_BY_ONE_OF_MODE if is_near and search.mode else ONE_BY_ONE,
        shown=wish.shown(OF_EACH.format(bookable=wish.bookable, of_slot=of_slot), columns_of(wish)),
    )
    return wish.asked(statement), values
