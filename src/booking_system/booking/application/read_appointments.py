"""Use cases: whoever has to do with appointments looks at them."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.booking.application.ports import BookingReader, BookingSearch, Scope
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.history import Entry
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAppointments:
    """Lists what the actor may see."""

    reader: BookingReader

    async def __call__(self, *, search: BookingSearch, actor: Actor) -> Sequence[AppointmentCard]:
        """Return a page by start, one more than `limit` where there is another page.

        Raises `NotPermitted` for people who ask what another system of a clinic calls one of its
        bookings, and are not of its staff.
        """
        if search.external_id is not None:
            check_staff(actor, search.clinic_id)
        return await self.reader.find(search, Scope.of(actor))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAppointment:
    """Shows one."""

    reader: BookingReader

    async def __call__(self, *, appointment_id: AppointmentId, actor: Actor) -> AppointmentCard:
        """Return it. Raises `AppointmentNotFound` where there is none that the actor may see."""
        card = await self.reader.show(appointment_id, Scope.of(actor))
        if card is None:
            raise AppointmentNotFound
        return card


def check_staff(actor: Actor, clinic_id: ClinicId | None) -> None:
    """Raise `NotPermitted` for people who are not of the clinic's staff."""
    if clinic_id is None or not actor.works_at(clinic_id):
        raise NotPermitted


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowHistory:
    """Shows what became of one."""

    reader: BookingReader

    async def __call__(self, *, appointment_id: AppointmentId, actor: Actor) -> Sequence[Entry]:
        """Return it, oldest first, beginning with the booking. Raises `AppointmentNotFound`."""
        entries = await self.reader.history(appointment_id, Scope.of(actor))
        if not entries:
            raise AppointmentNotFound
        return entries
