"""Time slots in PostgreSQL: what finds them, one statement each, always on an index."""

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from typing import Any

from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.adapters.postgres import SLOT_COLUMNS, slot_of
from booking_system.scheduling.adapters.service_search import OFFERED, TAKEN_UNTIL
from booking_system.scheduling.adapters.slot_page import (
    AT_CLINIC_OF,
    IN_RANGE,
    ITS_CLINIC,
    ITS_DOCTORS_CLINIC,
    OF_SERVICE,
    OFFERS,
    SHOWN,
    SPECIALTY,
    SPECIALTY_NEAR,
    TAKEN,
    UNTAKEN,
    Wish,
)
from booking_system.scheduling.application.ports import ShownSlot
from booking_system.scheduling.domain.search import Cover, FoundSlot, SlotSearch
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.identifiers import ServiceId, SlotId
from booking_system.shared_kernel.mode import Mode

SURROUNDINGS = """c.name AS clinic_name, c.time_zone, d.full_name AS doctor_name,
 d.title AS doctor_title, d.specialty, d.photo_url"""

JOINED = """FROM time_slots s JOIN doctors d ON d.id = s.doctor_id
 JOIN clinics c ON c.id = s.clinic_id"""

BOOKABLE = f"{UNTAKEN} AND {IN_RANGE} AND {TAKEN}"

COLUMNS = f"s.id, s.clinic_id, s.doctor_id, s.starts_at, s.ends_at, s.mode, {SURROUNDINGS}"

VERSIONS = "s.id, (s.version::bigint << 42) # (d.version::bigint << 21) # c.version AS version"

DIGEST = """SELECT count(*) AS many, bit_xor(uuid_hash_extended(id, version)) AS mixed
 FROM ({}) AS found"""

SHOW = f"""SELECT {SLOT_COLUMNS}, {SURROUNDINGS} {JOINED}
 WHERE s.id = $1 AND s.deleted_at IS NULL"""

SEVERAL = f"""SELECT {SLOT_COLUMNS} FROM time_slots s
 WHERE s.id = ANY($1::uuid[]) AND s.deleted_at IS NULL
 ORDER BY array_position($1::uuid[], s.id)"""  # noqa: S608

FREE = """NOT EXISTS (SELECT FROM (SELECT {ends} AS until OFFSET 0) AS own
 CROSS JOIN unnest({0}::timestamptz[], {1}::timestamptz[]) AS busy(since, until)
 WHERE s.starts_at < busy.until AND own.until > busy.since)"""

NEAREST = """SELECT * FROM (
 (SELECT {columns} {joined} WHERE {bookable} AND s.{whose} = $4 AND s.starts_at >= $5
  AND s.id <> $6{more} ORDER BY s.starts_at, s.id LIMIT $7)
 UNION ALL
 (SELECT {columns} {joined} WHERE {bookable} AND s.{whose} = $4 AND s.starts_at < $5{more}
  ORDER BY s.starts_at DESC, s.id DESC LIMIT $7)) AS around
 ORDER BY greatest(starts_at - $5, $5 - starts_at), id LIMIT $7"""

UNCOVERED = " AND ({2}::uuid <> s.doctor_id OR " + FREE + ")"
"""Where no doctor is named, nobody is there: `<>` is unknown then, and what is free decides."""

WHERE_AND_WHEN = "SELECT doctor_id, clinic_id, starts_at FROM time_slots WHERE id = $1"

AROUND = timedelta(days=31)


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
        statement, values = statement_for(search, now=now, columns=VERSIONS)
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

    async def nearest(
        self,
        slot_id: SlotId,
        *,
        now: datetime,
        most: int,
        service_id: ServiceId | None = None,
        unless: Cover | None = None,
    ) -> Sequence[FoundSlot]:
        """Look around the slot: first among its doctor's, then among its clinic's."""
        more, values = _narrowed(service_id, unless)
        found: dict[SlotId, FoundSlot] = {}
        async with self._database.reading() as connection:
            slot = await connection.fetchrow(WHERE_AND_WHEN, slot_id)
            if slot is None:
                return []
            at = slot["starts_at"]
            for whose in ("doctor_id", "clinic_id"):
                if len(found) < most:
                    statement = NEAREST.format(
                        columns=COLUMNS, joined=JOINED, bookable=BOOKABLE, whose=whose, more=more
                    )
                    rows = await connection.fetch(
                        statement,
                        at - AROUND,
                        at + AROUND,
                        now,
                        slot[whose],
                        at,
                        slot_id,
                        most,
                        *values,
                    )
                    found |= {row["id"]: found_slot(row) for row in rows if row["id"] not in found}
        return list(found.values())[:most]


def statement_for(
    search: SlotSearch, *, now: datetime, columns: str = COLUMNS
) -> tuple[str, list[Any]]:
    """Return the statement for just these filters, so that each has its own plan."""
    wish = Wish([search.period.starts_at, search.period.ends_at, now])
    wish.filter(search.clinic_id, "s.clinic_id = ${}", "d.clinic_id = ${}", at=ITS_CLINIC)
    wish.filter(search.doctor_id, "s.doctor_id = ${}", "d.id = ${}", at=ITS_DOCTORS_CLINIC)
    wish.filter(search.service_id, f"coalesce({OFFERED}, false)", OFFERS, scan=AT_CLINIC_OF)
    is_near = any((search.clinic_id, search.doctor_id, search.service_id))
    wish.filter(search.specialty, "", SPECIALTY_NEAR if is_near else SPECIALTY)
    wish.filter(search.language, "", "${} = ANY(d.languages)")
    wish.filter(search.mode, "s.mode = ${}")
    service = wish.values.index(search.service_id) + 1 if search.service_id else None
    if search.busy:
        starts = wish.place_of([one.starts_at for one in search.busy])
        ends = wish.place_of([one.ends_at for one in search.busy])
        wish.of_slot.append(FREE.format(f"${starts}", f"${ends}", ends=_ends(service)))
    if search.after is not None:
        since, behind = (wish.place_of(value) for value in search.after)
        # The first says where the index is entered: the second alone would not.
        wish.of_slot += [f"s.starts_at >= ${since}", f"(s.starts_at, s.id) > (${since}, ${behind})"]
    most = wish.place_of(search.limit + 1)
    chooses_doctors = any((search.service_id, search.specialty, search.language))
    page = wish.page_of_wanted(most) if chooses_doctors else wish.page(most)
    wanted = f"{wish.wanted()}, " if chooses_doctors else ""
    shown = SHOWN.format(page=page, columns=columns)
    statement = f"WITH {wish.policy()}, {wanted}{shown} ORDER BY s.starts_at, s.id LIMIT ${most}"
    if service is not None:
        statement = OF_SERVICE.format(service, statement)
    return statement, wish.values


def _ends(service: int | None) -> str:
    """Say when a booking that begins in `s` ends; `service` is the place of its parameter."""
    return "s.ends_at" if service is None else TAKEN_UNTIL.format(service)


def _narrowed(service_id: ServiceId | None, unless: Cover | None) -> tuple[str, list[object]]:
    """Return the conditions that `NEAREST` gets beside its own, and their values, from $8 on."""
    more, values = "", list[object]()
    if service_id is not None:
        values.append(service_id)
        # `coalesce` keeps it a question to single slots, of which few are asked.
        more = f" AND coalesce({OFFERED.format(8)}, false)"
    if unless is not None:
        since = [period.starts_at for period in unless.periods]
        until = [period.ends_at for period in unless.periods]
        places = [f"${8 + len(values) + place}" for place in range(3)]
        more += UNCOVERED.format(*places, ends=_ends(8 if values else None))
        values += [since, until, unless.doctor_id]
    return more, values


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
    )
