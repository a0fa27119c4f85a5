"""Use cases: the doctor invites a further party, sees and removes them; the guest comes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking_system.consultations.application.enter_room import (
    TICKET_LIFE,
    Entrance,
    refuse_by_sight,
    room_of,
)
from booking_system.consultations.application.ports import (
    Guests,
    OneTimeTokens,
    Rooms,
    Ticket,
    Tickets,
    Waking,
)
from booking_system.consultations.domain.guest import LINK_LIFE, Guest, GuestKind
from booking_system.consultations.domain.ice import IceSettings
from booking_system.consultations.domain.refusals import ConsultationNotFound
from booking_system.consultations.domain.room import Room
from booking_system.consultations.domain.seat import GuestId, Party, Seat
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId, Identities


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeGuest:
    """An invitation with its link's token, which is told once and stored nowhere."""

    guest: Guest
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteGuest:
    """The doctor makes a link that opens once, within a quarter of an hour."""

    rooms: Rooms
    guests: Guests
    tokens: OneTimeTokens
    identities: Identities
    clock: Clock

    async def __call__(
        self, room_id: AppointmentId, actor: Actor, *, kind: GuestKind, name: str
    ) -> MadeGuest:
        """Raises `ConsultationNotFound`, `NotPermitted`, and `GuestAlreadyInvited`.

        Also `ConsultationNotOpen`, because a link lives shorter than most waits for an opening.
        """
        room = await room_for_doctor(self.rooms, room_id, actor)
        now = self.clock.now()
        room.check_open(now)
        guest = Guest(
            id=GuestId(self.identities.new()),
            room_id=room_id,
            kind=kind,
            name=name,
            invited_by=actor.user_id,
            created_at=now,
            expires_at=now + LINK_LIFE,
        )
        token = self.tokens.new()
        await self.guests.invite(guest, fingerprint=self.tokens.fingerprint(token), now=now)
        return MadeGuest(guest=guest, token=token)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGuests:
    """The doctor and the patient see who was invited."""

    rooms: Rooms
    guests: Guests

    async def __call__(
        self, room_id: AppointmentId, actor: Actor, *, after: UUID | None, limit: int
    ) -> Sequence[Guest]:
        """Return one more than `limit`. Raises `ConsultationNotFound`, `NotPermitted`."""
        room = await room_of(self.rooms, room_id)
        if room.visit.seat_of(actor) is None:
            refuse_by_sight(room, actor)
        return await self.guests.of_room(room_id, after=after, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowGuest:
    """Shows one to the room's doctor."""

    rooms: Rooms
    guests: Guests

    async def __call__(self, guest_id: GuestId, actor: Actor) -> Guest:
        """Raises `ConsultationNotFound`, `NotPermitted`."""
        guest = await self.guests.read(guest_id)
        if guest is None:
            raise ConsultationNotFound
        await room_for_doctor(self.rooms, guest.room_id, actor)
        return guest


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveGuest:
    """The doctor ends a further party's part; their connection ends at once."""

    rooms: Rooms
    guests: Guests
    wake: Waking
    clock: Clock

    async def __call__(self, room_id: AppointmentId, guest_id: GuestId, actor: Actor) -> None:
        """Again, it changes nothing. Raises `ConsultationNotFound`, `NotPermitted`."""
        await room_for_doctor(self.rooms, room_id, actor)
        guest = await self.guests.read(guest_id)
        if guest is None or guest.room_id != room_id:
            raise ConsultationNotFound
        if await self.guests.remove(guest_id, now=self.clock.now()):
            await self.wake(room_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestEntrance:
    """A guest's way in. `return_token` opens it again after a break; the link does not."""

    entrance: Entrance
    guest: Guest
    return_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterAsGuest:
    """A guest comes by the link, once, and comes back by the token that they were given then."""

    rooms: Rooms
    guests: Guests
    tickets: Tickets
    tokens: OneTimeTokens
    ice: IceSettings
    clock: Clock

    async def __call__(self, token: str) -> GuestEntrance:
        """Raises `ConsultationNotFound` for what opens nothing, and `ConsultationNotOpen`."""
        now = self.clock.now()
        given, text = self.tokens.fingerprint(token), self.tokens.new()
        ticket, ends_at = self.tokens.fingerprint(text), now + TICKET_LIFE
        guest, back = await self.guests.come_back(given), token
        if guest is not None:
            room = await self._open_room(guest, now)
            await self.tickets.add(ticket, _ticket(guest, ends_at))
        else:
            back = self.tokens.new()
            guest = await self.guests.come(
                given,
                return_fingerprint=self.tokens.fingerprint(back),
                ticket_fingerprint=ticket,
                ticket_ends_at=ends_at,
                now=now,
            )
            if guest is None:
                raise ConsultationNotFound
            room = await self._open_room(guest, now)
        party = Party(
            room_id=guest.room_id,
            seat=Seat.GUEST,
            user_id=guest.id,
            subject_id=guest.id,
            session_id=None,
        )
        ice = self.ice.servers_for(party, closes_at=room.closes_at(now), now=now)
        entrance = Entrance(party=party, room=room, ticket=text, ice=ice, now=now)
        return GuestEntrance(entrance=entrance, guest=guest, return_token=back)

    async def _open_room(self, guest: Guest, now: datetime) -> Room:
        room = await room_of(self.rooms, guest.room_id)
        room.check_open(now)
        return room


def _ticket(guest: Guest, ends_at: datetime) -> Ticket:
    return Ticket(
        room_id=guest.room_id,
        seat=Seat.GUEST,
        user_id=None,
        session_id=None,
        guest_id=guest.id,
        expires_at=ends_at,
    )


async def room_for_doctor(rooms: Rooms, room_id: AppointmentId, actor: Actor) -> Room:
    """Return the room to its doctor. Raises `ConsultationNotFound`, `NotPermitted`."""
    room = await room_of(rooms, room_id)
    place = room.visit.seat_of(actor)
    if place is None:
        refuse_by_sight(room, actor)
    if place[0] is not Seat.DOCTOR:
        raise NotPermitted
    return room
