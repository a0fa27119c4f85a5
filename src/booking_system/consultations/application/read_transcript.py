"""Use case: a party keeps what was written and decided in a consultation, as one text."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from booking_system.booking.domain.card import AppointmentCard
from booking_system.consultations.application.enter_room import refuse_by_sight, room_of
from booking_system.consultations.application.ports import Guests, Rooms, SeeAppointment
from booking_system.consultations.domain.stored import Entry
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.identifiers import AppointmentId

PAGE = 500
MOST_GUESTS = 100
"""Whose names are told; a consultation has one at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """All of one consultation, in the order in which it was stored; guests' names by their ids."""

    card: AppointmentCard
    guests: Mapping[UUID, str]
    pages: AsyncIterator[Sequence[Entry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTranscript:
    """Doctor and patient read it, as they read the chat: nobody else does."""

    see: SeeAppointment
    rooms: Rooms
    guests: Guests

    async def __call__(self, room_id: AppointmentId, actor: Actor) -> Transcript:
        """Return it. Raises `ConsultationNotFound`, and `NotPermitted` for staff."""
        room = await room_of(self.rooms, room_id)
        if room.visit.seat_of(actor) is None:
            refuse_by_sight(room, actor)
        invited = await self.guests.of_room(room_id, after=None, limit=MOST_GUESTS)
        return Transcript(
            card=await self.see(appointment_id=room_id, actor=actor),
            guests={one.id: one.name for one in invited},
            pages=self._pages(room_id),
        )

    async def _pages(self, room_id: AppointmentId) -> AsyncIterator[Sequence[Entry]]:
        last = 0
        while page := await self.rooms.entries(room_id, after=last, most=PAGE):
            yield page
            last = page[-1].seq
