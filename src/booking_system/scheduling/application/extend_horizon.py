"""Use case: time goes on, and the calendars stay filled as far as the clinics take bookings."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_system.scheduling.application.availability_ports import (
    AvailabilityTransaction,
    DoctorsWithAvailability,
)
from booking_system.scheduling.application.follow_hours import (
    ChangeOfHours,
    Part,
    ahead,
    first_windows,
    judged_since,
    planned_within,
)
from booking_system.scheduling.domain.availability import horizon_of
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.slot_plan import PresentSlot
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId, DoctorId, SlotId
from booking_system.shared_kernel.period import Period

Progress = Callable[[int, int], None]
"""Told how many doctors are done, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedBooking:
    """A booked slot at whose start the clinic's clock shows another time than it was made for.

    `starts_at` is in UTC, the wall clocks have no offset.
    """

    appointment_id: AppointmentId
    slot_id: SlotId
    starts_at: datetime
    wall_was: datetime
    wall_is: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What was done, and until when (UTC); None where nothing remains to be done."""

    doctors: int = 0
    opened: int = 0
    withdrawn: int = 0
    moved: tuple[MovedBooking, ...] = ()
    planned_until: datetime | None = None

    @classmethod
    def of(cls, parts: Sequence["Extension"]) -> "Extension":
        """Sum up."""
        return cls(
            doctors=sum(one.doctors for one in parts),
            opened=sum(one.opened for one in parts),
            withdrawn=sum(one.withdrawn for one in parts),
            moved=tuple(moved for one in parts for moved in one.moved),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendDoctor:
    """Makes the calendar of one doctor as the rules, the horizon and the zone data say now."""

    transaction: AvailabilityTransaction
    clock: Clock

    async def __call__(self, *, doctor_id: DoctorId, since: datetime | None = None) -> Extension:
        """Return what was done: nothing where the doctor is gone, or all is as it should be.

        Begins at `since` (UTC; None: now), and does a part only of what is much: where the answer
        says until when the calendar is planned, go on from there.
        """
        async with self.transaction() as work:
            calendar = await work.lock_doctor(doctor_id)
            if calendar is None:
                return Extension()
            now = self.clock.now()
            table = await work.timetable(calendar, now=now)
            change = ChangeOfHours(before=table, after=table, rule_ids=None)
            begins, ends = max(now, since or now), horizon_of(now, calendar.horizon_days).ends_at
            during = Period(begins, ends) if begins < ends else None
            windows, rest_from, is_whole = first_windows(change, during, begins)
            await work.lock_slots(
                calendar, since=begins, until=None if is_whole else rest_from, rule_ids=None
            )
            now = self.clock.now()
            parts = []
            for window in ahead(windows, now):
                parts.append(await planned_within(work, calendar, change, window, now))
                await work.carry_out(parts[-1].planned, calendar, now=now)
            free = 0
            if is_whole:
                # The horizon may have been further away once.
                async for part in judged_since(work, calendar, change, since=rest_from, now=now):
                    await work.carry_out(part.planned, calendar, now=now)
                    parts.append(part)
                free = await work.withdraw_free(calendar, since=rest_from, rule_ids=None, now=now)
            moved = _moved_of(parts, calendar.time_zone)
            await work.set_clocks(calendar, [slot for slot in moved if slot.appointment_id is None])
        return Extension(
            doctors=int(is_whole),
            opened=sum(len(part.planned.opened) for part in parts),
            withdrawn=sum(len(part.planned.withdrawn) for part in parts) + free,
            moved=tuple(_told(slot, calendar.time_zone) for slot in moved if slot.appointment_id),
            planned_until=None if is_whole else rest_from,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendHorizon:
    """Does so for each doctor, some thousand slots at a time, so that nobody waits for long.

    It may run as often as anybody likes, and in several places at once.
    """

    doctors: DoctorsWithAvailability
    extend: Callable[..., Awaitable[Extension]]

    async def __call__(self, progress: Progress = lambda _done, _total: None) -> Extension:
        """Return what was done. Raises what the first doctor's failure raises."""
        doctors = await self.doctors()
        done: list[Extension] = []
        for place, doctor_id in enumerate(doctors):
            progress(place, len(doctors))
            part = await self.extend(doctor_id=doctor_id)
            done.append(part)
            while part.planned_until is not None:
                part = await self.extend(doctor_id=doctor_id, since=part.planned_until)
                done.append(part)
        progress(len(doctors), len(doctors))
        return Extension.of(done)


def _moved_of(parts: Sequence[Part], time_zone: str) -> list[PresentSlot]:
    gone = {slot.id for part in parts for slot in part.planned.withdrawn}
    slots = (slot for part in parts for slot in part.slots if slot.id not in gone)
    return [slot for slot in slots if slot.has_moved(time_zone)]


def _told(slot: PresentSlot, time_zone: str) -> MovedBooking:
    assert slot.appointment_id is not None, "only bookings are told of"
    assert slot.wall_starts_at is not None, "it has moved"
    return MovedBooking(
        appointment_id=slot.appointment_id,
        slot_id=slot.id,
        starts_at=slot.period.starts_at,
        wall_was=slot.wall_starts_at,
        wall_is=wall_clock(slot.period.starts_at, time_zone).replace(tzinfo=None),
    )
