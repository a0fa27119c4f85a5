"""Use cases: a party reads the chat, before, during and after; people of the clinic see a room."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from booking_system.consultations.application.enter_room import refuse_by_sight
from booking_system.consultations.application.ports import Rooms, Seen
from booking_system.consultations.domain.refusals import ConsultationNotFound
from booking_system.consultations.domain.stored import Entry
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.mode import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadChat:
    """Doctor and patient read what was written; nobody else does, not even the desk."""

    rooms: Rooms

    async def __call__(
        self, room_id: AppointmentId, actor: Actor, *, after: int, limit: int
    ) -> Sequence[Entry]:
        """Return messages behind a number, in order, one more than `limit`.

        Raises `ConsultationNotFound`, and `NotPermitted` for staff.
        """
        seen = await _seen(self.rooms, room_id)
        if seen.room.visit.seat_of(actor) is None:
            refuse_by_sight(seen.room, actor)
        return await self.rooms.entries(room_id, after=after, most=limit + 1, only_chat=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRoom:
    """A room as it is `now`, UTC."""

    seen: Seen
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRoom:
    """Shows who waits and where it stands, to its parties and to the desk."""

    rooms: Rooms
    clock: Clock

    async def __call__(self, room_id: AppointmentId, actor: Actor) -> ShownRoom:
        """Raises `ConsultationNotFound`."""
        seen = await _seen(self.rooms, room_id)
        visit = seen.room.visit
        if visit.seat_of(actor) is None and not actor.works_at(visit.clinic_id):
            raise ConsultationNotFound
        return ShownRoom(seen=seen, now=self.clock.now())


async def _seen(rooms: Rooms, room_id: AppointmentId) -> Seen:
    for seen in await rooms.look([room_id]):
        if seen.room.visit.mode is Mode.ONLINE:
            return seen
    raise ConsultationNotFound
