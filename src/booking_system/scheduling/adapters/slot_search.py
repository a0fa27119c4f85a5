"""Time slots in PostgreSQL: what finds them, one statement each, always on an index."""

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from typing import Any

from booking_system.platform.postgres.searches import Reads
from booking_system.scheduling.adapters import slot_page
from booking_system.scheduling.adapters import slot_statements as statements
from booking_system.scheduling.adapters.wanted_slots import Filters, values_of
from booking_system.scheduling.application.ports import ShownSlot
from booking_system.scheduling.domain.search import (
    AgreedNeed,
    Cover,
    FittingService,
    FoundSlot,
    SlotFilter,
    SlotSearch,
    Visits,
)
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.scheduling.records.slots import slot_of
from booking_system.shared_kernel.identifiers import (
    ServiceId,
    SlotId,
)
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money

AROUND = timedelta(days=31)
MINUTE = timedelta(minutes=1)
WHOSE: tuple[statements.Whose, ...] = ("doctor_id", "clinic_id")


class PostgresSlotFinder:
    """Reads slots."""

    def __init__(self, database: Reads) -> None:
        """Reads go through single statements, outside any transaction."""
        self._database = database

    async def find(self, search: SlotSearch, *, now: datetime) -> Sequence[FoundSlot]:
        """Find bookable slots by keyset on `(starts_at, id)`."""
        statement = statements.finding(**_asked(search))
        async with self._database.reading() as connection:
            rows = await statement.fetch(connection, **_values(search, now))
        return [found_slot(row) for row in rows]

    async def digest(self, search: SlotSearch, *, now: datetime) -> Hashable:
        """Mix the ids and versions of the very rows that `find` would return."""
        statement = statements.mixing(**_asked(search))
        async with self._database.reading() as connection:
            (row,) = await statement.fetch(connection, **_values(search, now))
        return row["many"], row["mixed"]

    async def show(self, slot_id: SlotId) -> ShownSlot | None:
        """Read one slot."""
        async with self._database.reading() as connection:
            row = await statements.SHOWING.fetchrow(connection, slot_id=slot_id)
        return None if row is None else ShownSlot(slot=slot_of(row), found=found_slot(row))

    async def several(self, slot_ids: Sequence[SlotId]) -> Sequence[TimeSlot]:
        """Read them in one statement."""
        async with self._database.reading() as connection:
            rows = await statements.SEVERAL.fetch(connection, slot_ids=slot_ids)
        return [slot_of(row) for row in rows]

    async def unknown(self, wanted: SlotFilter) -> Sequence[str]:
        """Look the ids up in one statement."""
        named = statements.Named(wanted.clinic_id, wanted.doctor_id, wanted.service_id)
        async with self._database.reading() as connection:
            (row,) = await statements.UNKNOWN.fetch(connection, named)
        return [name for name, is_unknown in row.items() if is_unknown]

    async def nearest(  # noqa: PLR0913
        self,
        slot_id: SlotId,
        *,
        now: datetime,
        most: int,
        service_id: ServiceId | None = None,
        visits: Visits | None = None,
        moves: AgreedNeed | None = None,
        unless: Cover | None = None,
    ) -> Sequence[FoundSlot]:
        """Look around the slot: first among its doctor's, then among its clinic's."""
        service_id = None if moves is not None else service_id
        wanted = SlotFilter(service_id=service_id, visits=visits, moves=moves)
        filters, found = Filters.of(wanted), dict[SlotId, FoundSlot]()
        async with self._database.reading() as connection:
            place = await statements.PLACE.fetchrow(connection, slot_id=slot_id)
            if place is None:
                return []
            at = place["starts_at"]
            values = values_of(wanted) | _values_of_cover(unless)
            values |= {"since": at - AROUND, "until": at + AROUND, "now": now, "at": at}
            for whose in WHOSE:
                if len(found) < most:
                    statement = statements.around(filters, whose, uncovered=unless is not None)
                    rows = await statement.fetch(
                        connection, **values, whose=place[whose], slot_id=slot_id, most=most
                    )
                    found |= {row["id"]: found_slot(row) for row in rows if row["id"] not in found}
        return list(found.values())[:most]


def _asked(search: SlotSearch) -> dict[str, Any]:
    goes_on = search.after is not None
    return {"filters": Filters.of(search), "goes_on": goes_on, "few": slot_page.FEW}


def _values(search: SlotSearch, now: datetime) -> dict[str, Any]:
    period = search.period
    values = values_of(search)
    values |= {"since": period.starts_at, "until": period.ends_at, "now": now}
    values["most"] = search.limit + 1
    if search.after is not None:
        values["behind"], values["behind_id"] = search.after
    return values


def _values_of_cover(unless: Cover | None) -> dict[str, Any]:
    if unless is None:
        return {}
    return {
        "away_doctor_id": unless.doctor_id,
        "away_since": [period.starts_at for period in unless.periods],
        "away_until": [period.ends_at for period in unless.periods],
    }


def found_slot(row: Any) -> FoundSlot:
    """Make the slot of a row with what is shown of one."""
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
