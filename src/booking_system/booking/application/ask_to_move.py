"""Use case: somebody asks where an appointment could go, before they move it."""

from dataclasses import dataclass

from booking_system.booking.application.ports import BookingReader, Scope
from booking_system.booking.domain.agreed import agreed_for
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.search import AgreedNeed
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import AppointmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AskToMove:
    """Says what is to be moved, to a party to it."""

    reader: BookingReader
    clock: Clock

    async def __call__(self, appointment_id: AppointmentId, actor: Actor | None) -> AgreedNeed:
        """Return what was agreed.

        Raises `AppointmentNotFound`, also where nobody is signed in, and `Invalid` for one that
        the actor could not move any more.
        """
        if actor is None:
            raise AppointmentNotFound
        card = await self.reader.show(appointment_id, Scope.of(actor))
        side = None if card is None else card.side_of(actor)
        if card is None or side is None:
            raise AppointmentNotFound
        booked = card.appointment
        if not booked.may_be_rescheduled(side, now=self.clock.now()):
            raise Invalid.field("/booking_id", "can no longer be moved", "not_movable")
        return agreed_for(booked)
