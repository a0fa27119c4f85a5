"""Looks at slots for booking pages: what is open is asked of the search itself."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from booking_system.integrations.adapters import live_statements as statements
from booking_system.integrations.domain.live_slots import DAY, SlotState, Touched
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.search import FoundSlot, SlotSearch
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, ServiceId, SlotId
from booking_system.shared_kernel.period import Period

PAGE = 200
MOST_SLOTS = 600
"""Of one doctor in one look; of more, pages are told to read anew."""
MOST_REMEMBERED = 50_000

Find = Callable[..., Awaitable[Sequence[FoundSlot]]]
"""The search itself, with `now`."""


@dataclass(slots=True)
class Remembered:
    """What was told last of slots: a slot that is as it was need not be told again.

    A slot's version rises with each change of its row, so nothing that happened in between is lost.
    """

    _told: OrderedDict[SlotId, tuple[int, bool]] = field(default_factory=OrderedDict)

    def is_new(self, slot_id: SlotId, version: int, *, is_open: bool) -> bool:
        """Say whether it is to be told, and remember it as told."""
        if self._told.get(slot_id) == (version, is_open):
            return False
        self._told[slot_id] = (version, is_open)
        self._told.move_to_end(slot_id)
        if len(self._told) > MOST_REMEMBERED:
            self._told.popitem(last=False)
        return True

    def clear(self) -> None:
        """Forget all."""
        self._told.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLooks:
    """Reads what slots are now."""

    database: Database
    find: Find
    clock: Clock

    async def states(
        self,
        doctor_id: DoctorId,
        service_id: ServiceId | None,
        starts: Period,
        remembered: Remembered | None = None,
    ) -> list[SlotState] | None:
        """Return the slots of a doctor that begin in a period, or those that are new of them.

        None where there are too many. What is there is read before what is open: a slot that
        changes in between has an older version here, so the look after its event tells it.
        """
        async with self.database.reading() as connection:
            there = await statements.THERE.fetch(
                connection,
                doctor_id=doctor_id,
                since=starts.starts_at,
                until=starts.ends_at,
                most=MOST_SLOTS + 1,
            )
        if len(there) > MOST_SLOTS:
            return None
        opened = {slot.id for slot in await self._open(doctor_id, service_id, starts)}
        return [
            SlotState(
                id=row["id"],
                doctor_id=doctor_id,
                starts_at=row["starts_at"],
                ends_at=row["ends_at"],
                is_open=row["id"] in opened,
            )
            for row in there
            if remembered is None
            or remembered.is_new(row["id"], row["version"], is_open=row["id"] in opened)
        ]

    async def _open(
        self, doctor_id: DoctorId, service_id: ServiceId | None, starts: Period
    ) -> list[FoundSlot]:
        opened: list[FoundSlot] = []
        after = None
        while True:
            search = SlotSearch(
                doctor_id=doctor_id, service_id=service_id, period=starts, after=after, limit=PAGE
            )
            found = await self.find(search, now=self.clock.now())
            opened += found[:PAGE]
            if len(found) <= PAGE:
                return opened
            after = (opened[-1].starts_at, opened[-1].id)

    async def changed_by_time(
        self, clinic_ids: Iterable[ClinicId], since: datetime, until: datetime
    ) -> list[Touched]:
        """Return the slots that time itself changed, from `since` on and before `until` (UTC)."""
        async with self.database.reading() as connection:
            rows = await statements.BY_TIME.fetch(
                connection, clinic_ids=list(clinic_ids), since=since, until=until
            )
        return [
            Touched(
                clinic_id=row["clinic_id"],
                doctor_id=row["doctor_id"],
                starts=Period(row["starts_at"] - DAY, row["ends_at"] + DAY),
            )
            for row in rows
        ]

    async def clinic_of(self, doctor_id: DoctorId) -> ClinicId | None:
        """Return the doctor's clinic; None where there is no such doctor."""
        async with self.database.reading() as connection:
            clinic_id: ClinicId | None = await statements.CLINIC_OF.fetchval(
                connection, doctor_id=doctor_id
            )
        return clinic_id

    async def seconds_since(self, seq: int) -> float | None:
        """Return how long ago an event came into the feed; None where it is not there."""
        async with self.database.reading() as connection:
            row = await statements.RELAYED_AT.fetchrow(connection, seq=seq)
        return None if row is None else (row["now"] - row["relayed_at"]).total_seconds()
