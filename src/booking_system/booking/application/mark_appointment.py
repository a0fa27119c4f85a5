"""Use case: the clinic says how an appointment goes, or takes that back."""

from dataclasses import dataclass

from booking_system.booking.application.overlaps import WatchOverlaps
from booking_system.booking.application.ports import BookingTransaction
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.lifecycle import Mark
from booking_system.booking.domain.party import Side
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotPermitted, check_seen
from booking_system.shared_kernel.identifiers import AppointmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkAppointment:
    """Checks in, completes, notes a no-show, undoes."""

    transaction: BookingTransaction
    clock: Clock
    overlaps: WatchOverlaps

    async def __call__(
        self, *, appointment_id: AppointmentId, mark: Mark, version: int | None, actor: Actor
    ) -> AppointmentCard:
        """Return the appointment as it is now.

        What ended before its end gives the rest of its time back, and takes it back when that is
        undone. Raises `AppointmentNotFound`, `NotPermitted` for the patient, `Stale`,
        `InvalidTransition`; to undo also `SlotUnavailable`, `SlotAlreadyBooked`, `SlotHeld`,
        `PatientOverlap` where that time is somebody else's by now, and `RateLimited` where the
        clinic was told the last too often.
        """
        if mark is not Mark.UNDO:
            return await self._mark(appointment_id, mark, version, actor)
        async with self.overlaps.undoing(appointment_id, actor):
            return await self._mark(appointment_id, mark, version, actor)

    async def _mark(
        self, appointment_id: AppointmentId, mark: Mark, version: int | None, actor: Actor
    ) -> AppointmentCard:
        async with self.transaction() as work:
            card = await work.lock(appointment_id)
            party = None if card is None else card.party_of(actor)
            if card is None or party is None:
                raise AppointmentNotFound
            if party.side is not Side.CLINIC:
                raise NotPermitted
            check_seen(version, card.appointment.version)
            gave_back, now = card.appointment.released_at is not None, self.clock.now()
            card.appointment.mark(mark, party, now=now)
            if gave_back:
                await work.take_back(card.appointment, now=now)
            else:
                await work.mark(card.appointment)
        return card
