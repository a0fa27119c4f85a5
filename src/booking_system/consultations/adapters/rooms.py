"""Rooms in PostgreSQL, and the seats in them."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import asyncpg

from booking_system.consultations.adapters import statements as sql
from booking_system.consultations.adapters.rows import (
    decided,
    entry_of,
    numbered,
    room_of,
    sitting_of,
    stored,
)
from booking_system.consultations.application.ports import LockedRoom, Seen
from booking_system.consultations.domain.presence import Media
from booking_system.consultations.domain.refusals import ConsultationNotFound
from booking_system.consultations.domain.room import Room
from booking_system.consultations.domain.seat import Party
from booking_system.consultations.domain.stored import Attachment, Entry, NewEntry
from booking_system.files.domain.kinds import MediaKind
from booking_system.files.records.attachments import ATTACH
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.identifiers import AppointmentId

REFUSALS: Refusals = {"uq_consultation_entries_once": Transient}


class PostgresLockedRoom:
    """A room in a transaction that has its lock."""

    def __init__(self, connection: asyncpg.Connection, room: Room) -> None:
        """`room` was read behind the lock."""
        self._connection = connection
        self.room = room

    async def said(self, *, sender_id: UUID, client_id: UUID) -> Entry | None:
        """Look behind the lock, so that a twin that was stored meanwhile is seen."""
        row = await sql.SAID.fetchrow(
            self._connection,
            room_id=self.room.visit.appointment_id,
            sender_id=sender_id,
            client_id=client_id,
        )
        return None if row is None else entry_of(row)

    async def store(self, entry: NewEntry) -> Entry:
        """Number and write it in one statement."""
        room_id = self.room.visit.appointment_id
        seq = await sql.STORE.fetchval(self._connection, room_id=room_id, **stored(entry))
        return numbered(entry, seq)

    async def attach(self, file_id: UUID, *, sender_id: UUID, now: datetime) -> Attachment | None:
        """Mark it used by the statement that files offer for that."""
        row = await ATTACH.fetchrow(
            self._connection,
            file_id=file_id,
            appointment_id=self.room.visit.appointment_id,
            user_id=sender_id,
            now=now,
        )
        if row is None:
            return None
        return Attachment(
            id=row["id"],
            filename=row["filename"],
            kind=MediaKind(row["kind"]),
            size=row["size"],
        )

    async def save(self, room: Room) -> None:
        """Write what can be decided."""
        room_id = self.room.visit.appointment_id
        await sql.SAVE.execute(self._connection, room_id=room_id, **decided(room))
        self.room = replace(room, seq=self.room.seq)

    async def admit_guest(self, *, is_admitted: bool) -> bool:
        """Change the one who has come and was not removed."""
        room_id = self.room.visit.appointment_id
        changed = await sql.ADMIT_GUEST.fetchval(
            self._connection, room_id=room_id, is_admitted=is_admitted
        )
        return changed is not None


class PostgresRooms:
    """Reads and changes rooms."""

    def __init__(self, database: Database) -> None:
        """Each change is one transaction, or a part of a whole."""
        self._database = database.knowing(REFUSALS)

    @asynccontextmanager
    async def locked(self, room_id: AppointmentId) -> AsyncIterator[LockedRoom]:
        """Lock the row, and make it first where there is none; the appointment is read behind."""
        async with self._database.driver_transaction() as connection:
            if await sql.LOCK.fetchval(connection, room_id=room_id) is None:
                await sql.MAKE.execute(connection, room_id=room_id)
                await sql.LOCK.fetchval(connection, room_id=room_id)
            row = await sql.LOOK.fetchrow(connection, room_ids=[room_id])
            if row is None:
                raise ConsultationNotFound
            yield PostgresLockedRoom(connection, room_of(row))

    async def say(self, entry: NewEntry, room: Room) -> Entry | None:
        """One statement, which is a transaction by itself."""
        visit = room.visit
        async with self._database.at_once() as connection:
            seq = await sql.SAY.fetchval(
                connection,
                room_id=visit.appointment_id,
                revision=visit.revision,
                status=visit.status,
                ended_revision=room.ended_revision,
                **stored(entry),
            )
        return None if seq is None else numbered(entry, seq)

    async def look(self, room_ids: Sequence[AppointmentId]) -> Sequence[Seen]:
        """Two statements, for any number of rooms."""
        async with self._database.reading() as connection:
            rooms = await sql.LOOK.fetch(connection, room_ids=room_ids)
            sitting = await sql.SITTINGS.fetch(connection, room_ids=room_ids) if rooms else []
        of_room: defaultdict[UUID, list[asyncpg.Record]] = defaultdict(list)
        for row in sitting:
            of_room[row["room_id"]].append(row)
        seen = []
        for row in rooms:
            room = room_of(row)
            sittings = [sitting_of(one, room) for one in of_room[row["id"]]]
            seen.append(Seen(room=room, sittings=sittings))
        return seen

    async def entries(
        self, room_id: AppointmentId, *, after: int, most: int, only_chat: bool = False
    ) -> Sequence[Entry]:
        """By the primary key."""
        wanted = sql.CHAT if only_chat else sql.ENTRIES
        async with self._database.reading() as connection:
            rows = await wanted.fetch(connection, room_id=room_id, after=after, most=most)
        return [entry_of(row) for row in rows]


class PostgresSittings:
    """Seats, connections, and the process that has them."""

    def __init__(self, database: Database, instance_id: UUID) -> None:
        """`instance_id` is this process's."""
        self._database = database
        self._instance_id = instance_id

    async def live_on(self) -> None:
        """Say for some seconds more that this process's connections are there."""
        async with self._database.driver_transaction() as connection:
            await sql.LIVE_ON.execute(connection, instance_id=self._instance_id)

    async def die(self) -> None:
        """Say that this process has no connections any more."""
        async with self._database.driver_transaction() as connection:
            await sql.DIE.execute(connection, instance_id=self._instance_id)

    async def sit(self, party: Party, *, client: UUID, media: Media) -> int:
        """Number the connection by the room's row; a seat's row is locked behind it."""
        async with self._database.driver_transaction() as connection:
            epoch: int = await sql.NEXT_EPOCH.fetchval(connection, room_id=party.room_id)
            await sql.SIT.execute(
                connection,
                room_id=party.room_id,
                seat=party.seat,
                person_id=party.user_id,
                epoch=epoch,
                client=client,
                instance_id=self._instance_id,
                mic=media.mic,
                camera=media.camera,
                screen=media.screen,
            )
        return epoch

    async def set_media(self, party: Party, epoch: int, media: Media) -> None:
        """One statement."""
        async with self._database.driver_transaction() as connection:
            await sql.SET_MEDIA.execute(
                connection,
                **_place(party, epoch),
                mic=media.mic,
                camera=media.camera,
                screen=media.screen,
            )

    async def mark(self, party: Party, epoch: int, *, delivered: int, read: int) -> None:
        """One statement; what was read was delivered."""
        async with self._database.driver_transaction() as connection:
            await sql.MARK.execute(
                connection, **_place(party, epoch), delivered=max(delivered, read), read=read
            )

    async def go(self, party: Party, epoch: int, *, for_good: bool) -> None:
        """One statement; the late end of an older connection changes nothing."""
        wanted = sql.LEAVE if for_good else sql.GO
        async with self._database.driver_transaction() as connection:
            await wanted.execute(connection, **_place(party, epoch))


def _place(party: Party, epoch: int) -> dict[str, object]:
    return {"room_id": party.room_id, "seat": party.seat, "own_epoch": epoch}
