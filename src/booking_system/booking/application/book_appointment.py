"""Use case: a patient takes an open slot, or staff take it for a patient."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.booking.application.ports import (
    Alternatives,
    BookingTransaction,
    BookingWish,
    References,
)
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingRule
from booking_system.booking.domain.card import AppointmentCard
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Conflict
from booking_system.shared_kernel.identifiers import AppointmentId, Identities

MOST_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BookAppointment:
    """Books one slot; see `booking.domain.double_booking` for why only once."""

    transaction: BookingTransaction
    alternatives: Alternatives
    rules: Sequence[BookingRule]
    clock: Clock
    identities: Identities
    references: References

    async def __call__(self, *, wish: BookingWish, actor: Actor) -> AppointmentCard:
        """Return the booked appointment.

        Raises the refusal of the first rule that says no; a `Conflict` carries `alternatives`.
        """
        try:
            return await self._book(wish, actor)
        except Conflict as refusal:
            found = await self.alternatives(
                wish.slot_id, now=self.clock.now(), most=MOST_ALTERNATIVES
            )
            refusal.extras["alternatives"] = [slot.as_shown() for slot in found]
            raise

    async def _book(self, wish: BookingWish, actor: Actor) -> AppointmentCard:
        async with self.transaction() as work:
            attempt = await work.attempt(wish, actor=actor, now=self.clock.now())
            for rule in self.rules:
                rule(attempt)
            appointment = Appointment.book(
                attempt,
                identity=AppointmentId(self.identities.new()),
                reference=self.references.new(),
            )
            await work.add(appointment)
        return AppointmentCard.of(appointment, attempt)
