"""What consultations need: rooms, tickets, guests, people who are signed in, and the bus."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.booking.domain.card import AppointmentCard
from booking_system.consultations.domain.guest import Guest
from booking_system.consultations.domain.presence import Media, Sitting
from booking_system.consultations.domain.room import Room
from booking_system.consultations.domain.seat import GuestId, Party, Seat
from booking_system.consultations.domain.stored import Attachment, Entry, NewEntry
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.identifiers import AppointmentId, SessionId, UserId


class LockedRoom(Protocol):
    """A room that nobody else changes until the transaction ends."""

    room: Room
    """As it is, with its appointment as it is."""

    async def said(self, *, sender_id: UUID, client_id: UUID) -> Entry | None:
        """Return the message that the sender has stored by this id of theirs."""
        ...

    async def attach(self, file_id: UUID, *, sender_id: UUID, now: datetime) -> Attachment | None:
        """Keep the sender's file for as long as the chat; None: there is none of theirs."""
        ...

    async def store(self, entry: NewEntry) -> Entry:
        """Give it the next number and write it."""
        ...

    async def save(self, room: Room) -> None:
        """Write what was decided."""
        ...

    async def admit_guest(self, *, is_admitted: bool) -> bool:
        """Let the guest in, or put them back; False: there is none, or they were there already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A room with the people who are in it, or were."""

    room: Room
    sittings: Sequence[Sitting]

    @property
    def patient_is_here(self) -> bool:
        """In the room or in its waiting room."""
        return any(one.seat is Seat.PATIENT and one.is_here for one in self.sittings)


class Rooms(Protocol):
    """The rooms of online appointments: each has one, whether or not anybody was in it."""

    def locked(self, room_id: AppointmentId) -> AbstractAsyncContextManager[LockedRoom]:
        """Open a transaction on it. Raises `ConsultationNotFound` where there is no such."""
        ...

    async def say(self, entry: NewEntry, room: Room) -> Entry | None:
        """Store a message at once, in a room that is still as it was seen.

        None: it was ended since, its appointment is another by now, or the message is stored
        already; a look behind the lock says which.
        """
        ...

    async def look(self, room_ids: Sequence[AppointmentId]) -> Sequence[Seen]:
        """Read those that there are, without a lock."""
        ...

    async def entries(
        self, room_id: AppointmentId, *, after: int, most: int, only_chat: bool = False
    ) -> Sequence[Entry]:
        """Read what was stored behind a number, in order."""
        ...


class Sittings(Protocol):
    """Who sits where, and the connections and processes by which they do."""

    async def sit(self, party: Party, *, client: UUID, media: Media) -> int:
        """Take the seat with a new connection; return its epoch, higher than all before."""
        ...

    async def set_media(self, party: Party, epoch: int, media: Media) -> None:
        """Note what they send, unless another connection has the seat."""
        ...

    async def mark(self, party: Party, epoch: int, *, delivered: int, read: int) -> None:
        """Note up to where they have what was stored; never backwards, never ahead of it."""
        ...

    async def go(self, party: Party, epoch: int, *, for_good: bool) -> None:
        """Note that the connection is over, unless another has the seat."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a ticket opens, and until when."""

    room_id: AppointmentId
    seat: Seat
    user_id: UserId | None
    session_id: SessionId | None
    guest_id: GuestId | None
    expires_at: datetime


class Tickets(Protocol):
    """Tickets by their fingerprints; their text is stored nowhere."""

    async def add(self, fingerprint: bytes, ticket: Ticket) -> None:
        """Store it, and its room with it."""
        ...

    async def use(self, fingerprint: bytes, *, now: datetime) -> Ticket | None:
        """Use it up; None: there is none, or it was used, or its time is over."""
        ...


class Guests(Protocol):
    """Further parties of rooms."""

    async def invite(self, guest: Guest, *, fingerprint: bytes, now: datetime) -> None:
        """Store one, in place of another whose link ran out.

        Raises `GuestAlreadyInvited`.
        """
        ...

    async def of_room(
        self, room_id: AppointmentId, *, after: UUID | None, limit: int
    ) -> Sequence[Guest]:
        """List all that were ever invited, the first first; one more than `limit`."""
        ...

    async def read(self, guest_id: GuestId) -> Guest | None:
        """Read one."""
        ...

    async def remove(self, guest_id: GuestId, *, now: datetime) -> bool:
        """Let them in no more; False: they were removed already."""
        ...

    async def come(
        self,
        fingerprint: bytes,
        *,
        return_fingerprint: bytes,
        ticket_fingerprint: bytes,
        ticket_ends_at: datetime,
        now: datetime,
    ) -> Guest | None:
        """Use the link up, once, for a ticket; from then on they come by the other fingerprint."""
        ...

    async def come_back(self, return_fingerprint: bytes) -> Guest | None:
        """Find who has come before, unless they were removed."""
        ...


class OneTimeTokens(Protocol):
    """Makes tokens of 256 unguessable bits that are handed over and stored nowhere."""

    def new(self) -> str:
        """Return a random one."""
        ...

    def fingerprint(self, token: str) -> bytes:
        """Return what is stored instead of the text."""
        ...


class SessionHolder(Protocol):
    """Identity's use case: says who the holder of a session is by now."""

    async def __call__(self, *, user_id: UserId, session_id: SessionId) -> Actor:
        """Return the actor. Raises `Unauthenticated` where the session holds no more."""
        ...


class SeeAppointment(Protocol):
    """Booking's use case that shows one."""

    async def __call__(self, *, appointment_id: AppointmentId, actor: Actor) -> AppointmentCard:
        """Return it. Raises `AppointmentNotFound` where there is none that the actor may see."""
        ...


class Waking(Protocol):
    """Tells all processes to look at a room; what is lost is found by their own looks."""

    async def __call__(self, room_id: AppointmentId) -> None:
        """Tell them, behind the end of the transaction if one is open."""
        ...
