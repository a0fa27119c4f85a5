"""Use cases: a ticket opens a connection, and its party is confirmed as long as that is open."""

from dataclasses import dataclass

from booking_system.consultations.application.ports import (
    Guests,
    OneTimeTokens,
    Rooms,
    SessionHolder,
    Tickets,
)
from booking_system.consultations.domain.seat import Party, Seat
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotPermitted, Unauthenticated
from booking_system.shared_kernel.identifiers import DoctorId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """Each ticket opens one connection, of its own user, session and room."""

    rooms: Rooms
    tickets: Tickets
    guests: Guests
    tokens: OneTimeTokens
    holder: SessionHolder
    clock: Clock

    async def __call__(self, token: str, *, room_id: str) -> Party:
        """Use it up, also where it opens nothing.

        Raises `Unauthenticated` for a ticket that opens nothing or whose session ended since, and
        `NotPermitted` for another room than its own, or where its user is no party any more.
        """
        now = self.clock.now()
        ticket = await self.tickets.use(self.tokens.fingerprint(token), now=now)
        if ticket is None:
            raise Unauthenticated
        if str(ticket.room_id) != room_id:
            raise NotPermitted
        if ticket.guest_id is not None:
            guest = await self.guests.read(ticket.guest_id)
            if guest is None or guest.removed_at is not None:
                raise NotPermitted
            return Party(
                room_id=ticket.room_id,
                seat=Seat.GUEST,
                user_id=guest.id,
                subject_id=guest.id,
                session_id=None,
            )
        assert ticket.user_id is not None, "a ticket is a user's, or a guest's"
        assert ticket.session_id is not None, "a user has it by a session"
        actor = await self.holder(user_id=ticket.user_id, session_id=ticket.session_id)
        seen = await self.rooms.look([ticket.room_id])
        place = seen[0].room.visit.seat_of(actor) if seen else None
        if place is None or place[0] is not ticket.seat:
            raise NotPermitted
        return Party(
            room_id=ticket.room_id,
            seat=ticket.seat,
            user_id=ticket.user_id,
            subject_id=place[1],
            session_id=ticket.session_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmParty:
    """Says, as often as it is asked, that a party with an account still is one."""

    holder: SessionHolder

    async def __call__(self, party: Party) -> Party:
        """Return the party. Raises `Unauthenticated`, or `NotPermitted`."""
        if party.session_id is None:
            return party
        user_id = UserId(party.user_id)
        actor = await self.holder(user_id=user_id, session_id=party.session_id)
        if not _is_theirs(party, actor):
            raise NotPermitted
        return party


def _is_theirs(party: Party, actor: Actor) -> bool:
    if party.seat is Seat.DOCTOR:
        return DoctorId(party.subject_id) in actor.doctor_ids
    return actor.patient_id == party.subject_id
