"""Use cases: what the people in a room say and decide. Each is one transaction under its lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from booking_system.consultations.application.ports import LockedRoom, Rooms
from booking_system.consultations.domain.refusals import AttachmentMissing, ConsultationNotFound
from booking_system.consultations.domain.room import EndReason, Room
from booking_system.consultations.domain.seat import Party, Seat
from booking_system.consultations.domain.stored import Entry, EntryKind, NewEntry
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.mode import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class SayInRoom:
    """Stores a chat message once, in order."""

    rooms: Rooms
    clock: Clock

    async def __call__(
        self,
        party: Party,
        *,
        client_id: UUID,
        text: str,
        file_id: UUID | None = None,
        seen: Room | None = None,
    ) -> Entry:
        """Return it as stored, now or by an earlier try.

        With the room as its caller has `seen` it within the last seconds, it takes one statement.
        Raises `ConsultationNotOpen`, and `AttachmentMissing` for a file that is not the sender's
        own, of this chat and there to be read.
        """
        if seen is not None and file_id is None and seen.is_open(self.clock.now()):
            entry = _by(party, EntryKind.CHAT, self.clock.now(), client_id=client_id, text=text)
            said = await self.rooms.say(entry, seen)
            if said is not None:
                return said
        async with self.rooms.locked(party.room_id) as locked:
            said = await locked.said(sender_id=party.user_id, client_id=client_id)
            if said is not None:
                return said
            now = self.clock.now()
            locked.room.check_open(now)
            file = None
            if file_id is not None:
                file = await locked.attach(file_id, sender_id=party.user_id, now=now)
                if file is None:
                    raise AttachmentMissing
            entry = _by(party, EntryKind.CHAT, now, client_id=client_id, text=text, file=file)
            return await locked.store(entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitInRoom:
    """The doctor lets somebody in from the waiting room, or puts them back. Again: no change."""

    rooms: Rooms
    clock: Clock

    async def __call__(self, party: Party, *, of: Seat, is_admitted: bool) -> Sequence[Entry]:
        """Return what was stored. Raises `NotPermitted`, `ConsultationNotOpen`."""
        if party.seat is not Seat.DOCTOR:
            raise NotPermitted
        async with self.rooms.locked(party.room_id) as locked:
            now = self.clock.now()
            check_doctor(party, locked)
            locked.room.check_open(now)
            await hold_who_was_moved(locked, now)
            room = locked.room
            if of is Seat.GUEST:
                has_changed = await locked.admit_guest(is_admitted=is_admitted)
            else:
                has_changed = room.is_admitted is not is_admitted
                if has_changed:
                    await locked.save(room.admitted() if is_admitted else room.held())
            if not has_changed:
                return []
            kind = EntryKind.ADMITTED if is_admitted else EntryKind.HELD
            return [await locked.store(_by(party, kind, now, of=of))]


@dataclass(frozen=True, slots=True, kw_only=True)
class TellRoom:
    """The doctor keeps the room open for longer, once, or says by how much they are late."""

    rooms: Rooms
    clock: Clock

    async def extend(self, party: Party) -> None:
        """Add a quarter of an hour; again, it changes nothing. Raises as admitting does."""
        async with self.rooms.locked(party.room_id) as locked:
            self._check(party, locked)
            await locked.save(locked.room.extended())

    async def late(self, party: Party, minutes: int) -> None:
        """Note the minutes; 0 takes it back. Raises as admitting does."""
        async with self.rooms.locked(party.room_id) as locked:
            self._check(party, locked)
            await locked.save(locked.room.late(minutes))

    def _check(self, party: Party, locked: LockedRoom) -> None:
        check_doctor(party, locked)
        locked.room.check_open(self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class EndInRoom:
    """The doctor, or the clinic's staff, end it for all."""

    rooms: Rooms
    clock: Clock

    async def by_party(self, party: Party) -> None:
        """End it as its doctor; again, it changes nothing. Raises as admitting does."""
        async with self.rooms.locked(party.room_id) as locked:
            check_doctor(party, locked)
            await self._end(locked, party.seat, party.user_id)

    async def by_actor(self, room_id: AppointmentId, actor: Actor) -> None:
        """End it as the doctor or the desk.

        Raises `ConsultationNotFound` for others, `NotPermitted` for the patient, and
        `ConsultationNotOpen` where it has not begun.
        """
        async with self.rooms.locked(room_id) as locked:
            visit = locked.room.visit
            if visit.mode is not Mode.ONLINE:
                raise ConsultationNotFound
            place = visit.seat_of(actor)
            is_doctor = place is not None and place[0] is Seat.DOCTOR
            if not is_doctor and not actor.works_at(visit.clinic_id):
                raise ConsultationNotFound if place is None else NotPermitted
            await self._end(locked, Seat.DOCTOR if is_doctor else None, actor.user_id)

    async def _end(self, locked: LockedRoom, seat: Seat | None, user_id: UUID) -> None:
        room, now = locked.room, self.clock.now()
        if room.is_ended:
            return
        room.check_open(now)
        await locked.save(room.ended(EndReason.ENDED))
        await locked.store(
            NewEntry(
                kind=EntryKind.ENDED,
                at=now,
                seat=seat,
                sender_id=user_id,
                reason=EndReason.ENDED,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowAppointment:
    """Notes in a room what its appointment, or time, has decided already."""

    rooms: Rooms
    clock: Clock

    async def __call__(self, room_id: AppointmentId) -> None:
        """End what is over, and hold who was admitted for another time; again: no change."""
        async with self.rooms.locked(room_id) as locked:
            now = self.clock.now()
            await hold_who_was_moved(locked, now)
            room = locked.room
            if (reason := room.due_end(now)) is not None:
                await locked.save(room.ended(reason))
                await locked.store(_by_system(EntryKind.ENDED, now, reason=reason))


async def hold_who_was_moved(locked: LockedRoom, now: datetime) -> None:
    """Note that who was let in for another time waits again."""
    if locked.room.is_admitted_for_another_time:
        await locked.save(locked.room.held())
        await locked.store(_by_system(EntryKind.HELD, now, of=Seat.PATIENT))


def check_doctor(party: Party, locked: LockedRoom) -> None:
    """Raise `NotPermitted` unless the party is the doctor whom the appointment has now."""
    if party.seat is not Seat.DOCTOR or party.subject_id != locked.room.visit.doctor_id:
        raise NotPermitted


def _by(party: Party, kind: EntryKind, now: datetime, **about: Any) -> NewEntry:
    return NewEntry(kind=kind, at=now, seat=party.seat, sender_id=party.user_id, **about)


def _by_system(kind: EntryKind, now: datetime, **about: Any) -> NewEntry:
    return NewEntry(kind=kind, at=now, seat=None, sender_id=None, **about)
