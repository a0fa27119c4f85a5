"""Use case: a clinic puts time slots of a doctor up for booking."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.application.ports import SchedulingTransaction
from booking_system.scheduling.domain import events
from booking_system.scheduling.domain.offer import OfferedSlot, checked, overlap_at
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import DoctorId, Identities, SlotId


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferSlots:
    """Adds explicit slots: all or none."""

    transaction: SchedulingTransaction
    clock: Clock
    identities: Identities

    async def __call__(
        self, *, doctor_id: DoctorId, offer: Sequence[OfferedSlot], actor: Actor
    ) -> list[TimeSlot]:
        """Return the new slots in the order of the offer, as they were stored.

        Raises `NotFound` for an unknown doctor, `NotPermitted`, `SlotOverlap`, `SlotInPast`.
        """
        now = self.clock.now()
        async with self.transaction() as slots:
            clinic = await slots.clinic_of(doctor_id)
            if clinic is None:
                raise NotFound
            if not actor.schedules(clinic.id, doctor_id):
                raise NotPermitted
            periods = checked(offer, now=now)
            if (place := await slots.clash(doctor_id, periods)) is not None:
                raise overlap_at(place)
            made = [
                TimeSlot(
                    id=SlotId(self.identities.new()),
                    clinic_id=clinic.id,
                    doctor_id=doctor_id,
                    period=period,
                    mode=asked.mode,
                )
                for asked, period in zip(offer, periods, strict=True)
            ]
            added = list(await slots.add(made, time_zone=clinic.time_zone, now=now))
            if offered := [slot for slot in added if slot.closed_because is None]:
                await slots.record(events.opened(offered, now=now))
            return added
