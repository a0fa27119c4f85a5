"""Use case: the patient or the clinic cancels, and the slot is open again at once."""

from dataclasses import dataclass

from booking_system.booking.application.ports import BookingTransaction
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import check_seen
from booking_system.shared_kernel.identifiers import AppointmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAppointment:
    """Lets go of the slot in the same transaction."""

    transaction: BookingTransaction
    clock: Clock

    async def __call__(
        self,
        *,
        appointment_id: AppointmentId,
        reason: str | None,
        version: int | None,
        actor: Actor,
    ) -> AppointmentCard:
        """Return the cancelled appointment.

        Raises `AppointmentNotFound`, `Stale`, `BookingNotActive`, `CancelTooLate`.
        """
        async with self.transaction() as work:
            card = await work.lock(appointment_id)
            party = None if card is None else card.party_of(actor)
            if card is None or party is None:
                raise AppointmentNotFound
            check_seen(version, card.appointment.version)
            card.appointment.cancel(party, reason=reason, now=self.clock.now())
            await work.release([card.appointment])
        return card
