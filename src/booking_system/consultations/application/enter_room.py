"""Use case: a party asks for a ticket to the room of an appointment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

from booking_system.consultations.application.ports import OneTimeTokens, Rooms, Ticket, Tickets
from booking_system.consultations.domain.ice import IceServers, IceSettings
from booking_system.consultations.domain.refusals import ConsultationNotFound
from booking_system.consultations.domain.room import Room
from booking_system.consultations.domain.seat import Party
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.mode import Mode

TICKET_LIFE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """What a page needs to come in. The ticket is good for one connection within its life."""

    party: Party
    room: Room
    ticket: str
    ice: IceServers
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterRoom:
    """Doctor and patient come in while the room is open; each connection has its own ticket."""

    rooms: Rooms
    tickets: Tickets
    tokens: OneTimeTokens
    ice: IceSettings
    clock: Clock

    async def __call__(self, *, appointment_id: AppointmentId, actor: Actor) -> Entrance:
        """Return the ticket.

        Raises `ConsultationNotFound` for an appointment that is not online or not the actor's,
        `NotPermitted` for staff, who see the appointment and are no party, and
        `ConsultationNotOpen` outside the window.
        """
        room = await room_of(self.rooms, appointment_id)
        place = room.visit.seat_of(actor)
        if place is None:
            refuse_by_sight(room, actor)
        seat, subject_id = place
        now = self.clock.now()
        room.check_open(now)
        party = Party(
            room_id=appointment_id,
            seat=seat,
            user_id=actor.user_id,
            subject_id=subject_id,
            session_id=actor.session_id,
        )
        ticket = Ticket(
            room_id=appointment_id,
            seat=seat,
            user_id=actor.user_id,
            session_id=actor.session_id,
            guest_id=None,
            expires_at=now + TICKET_LIFE,
        )
        token = self.tokens.new()
        await self.tickets.add(self.tokens.fingerprint(token), ticket)
        ice = self.ice.servers_for(party, closes_at=room.closes_at(now), now=now)
        return Entrance(party=party, room=room, ticket=token, ice=ice, now=now)


async def room_of(rooms: Rooms, room_id: UUID) -> Room:
    """Return the room of an online appointment. Raises `ConsultationNotFound`."""
    for seen in await rooms.look([AppointmentId(room_id)]):
        if seen.room.visit.mode is Mode.ONLINE:
            return seen.room
    raise ConsultationNotFound


def refuse_by_sight(room: Room, actor: Actor) -> NoReturn:
    """Tell staff that they may not; to others the room does not exist."""
    clinic_id = room.visit.clinic_id
    if actor.works_at(clinic_id) or actor.winds_up(clinic_id):
        raise NotPermitted
    raise ConsultationNotFound
