"""Use case: time goes on, and the calendars stay filled as far as the clinics take bookings."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_system.scheduling.application.availability_ports import (
    AvailabilityTransaction,
    DoctorsWithAvailability,
)
from booking_system.scheduling.domain.availability import horizon_of
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.scheduling.domain.slot_plan import PresentSlot, WishedSlot, plan
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId, DoctorId, SlotId

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
    """What was done."""

    doctors: int = 0
    opened: int = 0
    withdrawn: int = 0
    moved: tuple[MovedBooking, ...] = ()

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

    async def __call__(self, *, doctor_id: DoctorId) -> Extension:
        """Return what was done: nothing where the doctor is gone, or all is as it should be."""
        async with self.transaction() as work:
            calendar = await work.lock_doctor(doctor_id)
            if calendar is None:
                return Extension()
            await work.lock_slots(doctor_id, None, now=self.clock.now())
            now = self.clock.now()
            present = await work.present(doctor_id, now=now)
            horizon = horizon_of(now, calendar.horizon_days)
            wished = [
                WishedSlot(rule_id=rule.id, period=period, mode=rule.hours.mode)
                for rule in await work.rules(doctor_id)
                for period in rule.hours.slots_within(horizon, calendar.time_zone)
            ]
            ruled = frozenset(slot.rule_id for slot in present if slot.rule_id is not None)
            planned = plan(present, wished, of=ruled, until=horizon.ends_at)
            await work.carry_out(planned, calendar, now=now)
            gone = {slot.id for slot in planned.withdrawn}
            await work.set_clocks(
                calendar,
                [
                    slot
                    for slot in present
                    if slot.appointment_id is None
                    and slot.id not in gone
                    and slot.has_moved(calendar.time_zone)
                ],
            )
        return Extension(
            doctors=1,
            opened=len(planned.opened),
            withdrawn=len(planned.withdrawn),
            moved=tuple(
                moved for slot in present if (moved := _moved(slot, calendar.time_zone)) is not None
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendHorizon:
    """Does so for each doctor, one transaction each, so that nobody waits for long.

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
            done.append(await self.extend(doctor_id=doctor_id))
        progress(len(doctors), len(doctors))
        return Extension.of(done)


def _moved(slot: PresentSlot, time_zone: str) -> MovedBooking | None:
    if slot.appointment_id is None or slot.wall_starts_at is None:
        return None
    if not slot.has_moved(time_zone):
        return None
    return MovedBooking(
        appointment_id=slot.appointment_id,
        slot_id=slot.id,
        starts_at=slot.period.starts_at,
        wall_was=slot.wall_starts_at,
        wall_is=wall_clock(slot.period.starts_at, time_zone).replace(tzinfo=None),
    )
