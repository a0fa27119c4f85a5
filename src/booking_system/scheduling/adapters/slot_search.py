"""Time slots in PostgreSQL: what finds them, one statement each, always on an index."""

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from typing import Any

from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.adapters.postgres import SLOT_COLUMNS, slot_of
from booking_system.scheduling.adapters.slot_page import IN_RANGE, JOIN_NEED, Wish
from booking_system.scheduling.application.ports import ShownSlot
from booking_system.scheduling.domain.search import (
    Cover,
    FittingService,
    FoundSlot,
    SlotFilter,
    SlotSearch,
    Visits,
)
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.scheduling.records.spans import ends_of
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ServiceId,
    SlotId,
)
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money

SURROUNDINGS = """c.name AS clinic_name, c.time_zone, d.full_name AS doctor_name,
 d.title AS doctor_title, d.specialty, d.photo_url"""

JOINED = """FROM time_slots s JOIN doctors d ON d.id = s.doctor_id
 JOIN clinics c ON c.id = s.clinic_id"""

COLUMNS = f"s.id, s.clinic_id, s.doctor_id, s.starts_at, s.ends_at, s.mode, {SURROUNDINGS}"

FIT = f"""{ends_of("s", "v")} AS service_ends_at, v.id AS service_id, v.name AS service_name,
 v.duration_minutes, v.price_amount, coalesce(v.price_currency, c.currency) AS price_currency"""
"""What `need v` takes of the slot, and what it costs."""

VERSIONS = "s.id, (s.version::bigint << 42) # (d.version::bigint << 21) # c.version AS version"

VERSIONS_OF_FIT = f"""s.id, hashtextextended(concat_ws(' ', s.version, d.version, c.version,
 v.version, {ends_of("s", "v")}), 0) AS version"""
"""The last of the slots that are taken may be another by now, and the first as it was."""

DIGEST = """SELECT count(*) AS many, bit_xor(uuid_hash_extended(id, version)) AS mixed
 FROM ({}) AS found"""

SHOW = f"""SELECT {SLOT_COLUMNS}, {SURROUNDINGS} {JOINED}
 WHERE s.id = $1 AND s.deleted_at IS NULL AND d.deleted_at IS NULL AND c.deleted_at IS NULL"""

SEVERAL = f"""SELECT {SLOT_COLUMNS} FROM time_slots s
 WHERE s.id = ANY($1::uuid[]) AND s.deleted_at IS NULL
 ORDER BY array_position($1::uuid[], s.id)"""  # noqa: S608

NEAREST = """SELECT * FROM (
 (SELECT {columns} {joined} WHERE {bookable} AND s.{whose} = $4 AND s.starts_at >= $5
  AND s.id <> $6{more} ORDER BY s.starts_at, s.id LIMIT $7)
 UNION ALL
 (SELECT {columns} {joined} WHERE {bookable} AND s.{whose} = $4 AND s.starts_at < $5{more}
  ORDER BY s.starts_at DESC, s.id DESC LIMIT $7)) AS around
 ORDER BY greatest(starts_at - $5, $5 - starts_at), id LIMIT $7"""

UNCOVERED = """({2}::uuid <> s.doctor_id
 OR NOT EXISTS (SELECT FROM (SELECT {ends} AS until OFFSET 0) AS own
 CROSS JOIN unnest({0}::timestamptz[], {1}::timestamptz[]) AS away(since, until)
 WHERE s.starts_at < away.until AND own.until > away.since))"""
"""Where no doctor is named, nobody is there: `<>` is unknown then, and what is free decides."""

ELSEWHERE = "(s.appointment_id IS DISTINCT FROM {0} OR s.starts_at <> (SELECT starts_at FROM need))"
"""What moves is not offered the place that it has."""

WHERE_AND_WHEN = "SELECT doctor_id, clinic_id, starts_at FROM time_slots WHERE id = $1"

UNKNOWN = """SELECT
 $1::uuid IS NOT NULL AND NOT EXISTS (SELECT FROM clinics c
  WHERE c.id = $1 AND c.deleted_at IS NULL) AS clinic_id,
 $2::uuid IS NOT NULL AND NOT EXISTS (SELECT FROM doctors d JOIN clinics c ON c.id = d.clinic_id
  WHERE d.id = $2 AND d.deleted_at IS NULL AND c.deleted_at IS NULL) AS doctor_id,
 $3::uuid IS NOT NULL AND NOT EXISTS (SELECT FROM services v JOIN clinics c ON c.id = v.clinic_id
  WHERE v.id = $3 AND v.deleted_at IS NULL AND c.deleted_at IS NULL) AS service_id"""

AROUND = timedelta(days=31)
MINUTE = timedelta(minutes=1)

Statement = tuple[str, list[Any]]


class PostgresSlotFinder:
    """Reads slots."""

    def __init__(self, database: Database) -> None:
        """Reads go through single statements, outside any transaction."""
        self._database = database

    async def find(self, search: SlotSearch, *, now: datetime) -> Sequence[FoundSlot]:
        """Find bookable slots by keyset on `(starts_at, id)`."""
        statement, values = statement_for(search, now=now)
        async with self._database.reading() as connection:
            rows = await connection.fetch(statement, *values)
        return [found_slot(row) for row in rows]

    async def digest(self, search: SlotSearch, *, now: datetime) -> Hashable:
        """Mix the ids and versions of the very rows that `find` would return."""
        statement, values = statement_for(search, now=now, digest=True)
        async with self._database.reading() as connection:
            row = await connection.fetchrow(DIGEST.format(statement), *values)
        return row["many"], row["mixed"]

    async def show(self, slot_id: SlotId) -> ShownSlot | None:
        """Read one slot."""
        async with self._database.reading() as connection:
            row = await connection.fetchrow(SHOW, slot_id)
        return None if row is None else ShownSlot(slot=slot_of(row), found=found_slot(row))

    async def several(self, slot_ids: Sequence[SlotId]) -> Sequence[TimeSlot]:
        """Read them in one statement."""
        async with self._database.reading() as connection:
            rows = await connection.fetch(SEVERAL, slot_ids)
        return [slot_of(row) for row in rows]

    async def unknown(self, wanted: SlotFilter) -> Sequence[str]:
        """Look the ids up in one statement."""
        async with self._database.reading() as connection:
            row = await connection.fetchrow(
                UNKNOWN, wanted.clinic_id, wanted.doctor_id, wanted.service_id
            )
        return [name for name, is_unknown in row.items() if is_unknown]

    async def nearest(  # noqa: PLR0913
        self,
        slot_id: SlotId,
        *,
        now: datetime,
        most: int,
        service_id: ServiceId | None = None,
        visits: Visits | None = None,
        moves: AppointmentId | None = None,
        unless: Cover | None = None,
    ) -> Sequence[FoundSlot]:
        """Look around the slot: first among its doctor's, then among its clinic's."""
        service_id = None if moves is not None else service_id
        wanted = SlotFilter(service_id=service_id, visits=visits, moves=moves)
        found: dict[SlotId, FoundSlot] = {}
        async with self._database.reading() as connection:
            slot = await connection.fetchrow(WHERE_AND_WHEN, slot_id)
            if slot is None:
                return []
            at = slot["starts_at"]
            values = [at - AROUND, at + AROUND, now, None, at, slot_id, most]
            wish = _narrowed(Wish(wanted, values), unless)
            for whose in ("doctor_id", "clinic_id"):
                if len(found) < most:
                    values[3] = slot[whose]
                    rows = await connection.fetch(_around(wish, whose), *values)
                    found |= {row["id"]: found_slot(row) for row in rows if row["id"] not in found}
        return list(found.values())[:most]


def statement_for(search: SlotSearch, *, now: datetime, digest: bool = False) -> Statement:
    """Return the statement for just these filters, so that each has its own plan."""
    wish = Wish(search, [search.period.starts_at, search.period.ends_at, now])
    if search.after is not None:
        since, behind = (wish.place_of(value) for value in search.after)
        # The first says where the index is entered: the second alone would not.
        wish.of_slot += [f"s.starts_at >= ${since}", f"(s.starts_at, s.id) > (${since}, ${behind})"]
    most = wish.place_of(search.limit + 1)
    chooses_doctors = wish.needs or search.specialty or search.language
    page = wish.page_of_wanted(most) if chooses_doctors else wish.page(most)
    wanted = f"{wish.wanted()}, " if chooses_doctors else ""
    shown = wish.shown(page, _columns(wish, digest=digest))
    statement = f"WITH {wish.known()}, {wanted}{shown} ORDER BY s.starts_at, s.id LIMIT ${most}"
    return wish.asked(statement), wish.values


def columns_of(wish: Wish) -> str:
    """Return what is shown of a slot."""
    return f"{COLUMNS}, {FIT}" if wish.needs else COLUMNS


def _columns(wish: Wish, *, digest: bool) -> str:
    if not digest:
        return columns_of(wish)
    return VERSIONS_OF_FIT if wish.needs else VERSIONS


def _narrowed(wish: Wish, unless: Cover | None) -> Wish:
    """Take what nothing but alternatives has to keep clear of."""
    if wish.but:
        wish.of_slot.append(ELSEWHERE.format(wish.but))
    if unless is not None:
        since = [period.starts_at for period in unless.periods]
        until = [period.ends_at for period in unless.periods]
        places = [f"${wish.place_of(value)}" for value in (since, until, unless.doctor_id)]
        wish.of_slot.append(UNCOVERED.format(*places, ends=wish.ends))
    return wish


def _around(wish: Wish, whose: str) -> str:
    statement = NEAREST.format(
        columns=columns_of(wish),
        joined=JOINED + (JOIN_NEED if wish.needs else ""),
        bookable=f"{wish.untaken} AND {IN_RANGE} AND {wish.taken}",
        whose=whose,
        more="".join(f" AND {one}" for one in wish.of_slot),
    )
    return wish.asked(wish.with_visits(statement))


def found_slot(row: Any) -> FoundSlot:
    """Make the slot of a row with `COLUMNS`."""
    return FoundSlot(
        id=row["id"],
        clinic_id=row["clinic_id"],
        clinic_name=row["clinic_name"],
        time_zone=row["time_zone"],
        doctor_id=row["doctor_id"],
        doctor_name=row["doctor_name"],
        doctor_title=row["doctor_title"],
        specialty=row["specialty"],
        photo_url=row["photo_url"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        mode=Mode(row["mode"]),
        service=_service(row) if "service_ends_at" in row else None,
    )


def _service(row: Any) -> FittingService:
    amount = row["price_amount"]
    return FittingService(
        id=row["service_id"],
        name=row["service_name"],
        ends_at=row["service_ends_at"],
        duration=row["duration_minutes"] * MINUTE,
        price=None if amount is None else Money(amount, row["price_currency"]),
    )
