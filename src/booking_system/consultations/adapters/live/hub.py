"""All rooms that are open in this process, and what keeps them true beside those of others."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

import structlog

from booking_system.consultations.adapters.live.bus import Bus, BusMessage
from booking_system.consultations.adapters.live.connection import Connection, Outlet
from booking_system.consultations.adapters.live.open_room import LOOKS, OpenRoom
from booking_system.consultations.adapters.rooms import PostgresSittings
from booking_system.consultations.application.act_in_room import FollowAppointment
from booking_system.consultations.application.ports import Rooms
from booking_system.consultations.domain.ice import IceSettings
from booking_system.consultations.domain.presence import Media
from booking_system.consultations.domain.seat import Party
from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId

LOOK_SECONDS = 2.0
"""Between two looks at all rooms, on average: what the bus has lost is found by then, and what
became of appointments, which do not use it."""
RENEW_SECONDS = 3.5
"""Of the lease of this process, which lasts twelve."""
BATCH = 25
"""Rooms of one look: to tell of more of them would keep the process from all else for too long."""
LAST_SECONDS = 2.0
"""For what is still to be noted when the process ends."""

log = structlog.get_logger("booking_system.consultations")


@dataclass(slots=True, kw_only=True)
class LiveRooms:
    """Joins connections to rooms, and wakes rooms."""

    rooms: Rooms
    sittings: PostgresSittings
    follow: FollowAppointment
    bus: Bus
    ice: IceSettings
    clock: Clock
    _open: dict[AppointmentId, OpenRoom] = field(default_factory=dict, init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _renewed_at: float = field(default=float("-inf"), init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do so for as long as the block lasts, then say that nobody is here any more."""
        job = PeriodicJob(
            name="consultations",
            round=self.once,
            failed="rooms_not_seen",
            first_pause=LOOK_SECONDS,
            pause=LOOK_SECONDS,
            pause_after_failure=LOOK_SECONDS,
        )
        async with self.bus.running(self._heard, self._resumed), job.running():
            yield
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=LAST_SECONDS)
            if self._renewed_at > float("-inf"):
                with suppress(Exception):
                    await self.sittings.die()

    async def once(self) -> bool:
        """Renew the lease, and look at all rooms of this process."""
        if not self._open:
            return True
        await self._renew()
        waiting = iter([*self._open])
        while batch := [*islice(waiting, BATCH)]:
            began = next(LOOKS)
            for seen in await self.rooms.look(batch):
                room = self._open.get(seen.room.visit.appointment_id)
                if room is not None:
                    await self._quietly(room.take(seen, began))
        return True

    async def join(
        self, party: Party, outlet: Outlet, *, client: UUID, media: Media, last_seq: int
    ) -> tuple[OpenRoom, Connection]:
        """Give the party its seat by a new connection, which takes the place of an older one."""
        await self._renew()
        epoch = await self.sittings.sit(party, client=client, media=media)
        connection = Connection(party, epoch, outlet, last_seq=last_seq)
        room = self._room(party.room_id)
        room.joining += 1
        try:
            await room.join(connection)
        except BaseException:
            self.leave(room, connection, for_good=False)
            raise
        finally:
            room.joining -= 1
            self._forget_if_empty(room)
        self.bus.tell(BusMessage(room_id=party.room_id))
        return room, connection

    def leave(self, room: OpenRoom, connection: Connection, *, for_good: bool) -> None:
        """Forget a connection, and note that it is over; never waits."""
        room.connections.discard(connection)
        self._forget_if_empty(room)
        self._soon(self._gone(connection, for_good=for_good))

    async def wake(self, room_id: AppointmentId) -> None:
        """Look at a room here, and let others look."""
        self.bus.tell(BusMessage(room_id=room_id))
        if (room := self._open.get(room_id)) is not None:
            await room.look()

    def tell_others(self, room: OpenRoom) -> None:
        """Let other processes look at a room."""
        self.bus.tell(BusMessage(room_id=room.room_id))

    def wake_here(self, room_id: AppointmentId) -> None:
        """Look at a room of this process soon."""
        if (room := self._open.get(room_id)) is not None:
            self._soon(room.look())

    def pass_on(self, room: OpenRoom, frame: dict[str, Any], *, to: int) -> None:
        """Send a frame to one connection, in this process or another."""
        if not room.hand_on(frame, to=to, sender=None):
            self.bus.tell(BusMessage(room_id=room.room_id, to=to, frame=frame))

    def spread(self, room: OpenRoom, frame: dict[str, Any], *, sender: int) -> None:
        """Send a frame to all others in the room."""
        room.hand_on(frame, to=None, sender=sender)
        self.bus.tell(BusMessage(room_id=room.room_id, sender=sender, frame=frame))

    def _room(self, room_id: AppointmentId) -> OpenRoom:
        room = self._open.get(room_id)
        if room is None:
            room = self._open[room_id] = OpenRoom(
                room_id,
                rooms=self.rooms,
                follow=self.follow,
                ice=self.ice,
                clock=self.clock,
                changed=lambda one: self.bus.tell(BusMessage(room_id=one)),
            )
        return room

    def _forget_if_empty(self, room: OpenRoom) -> None:
        if not room.connections and not room.joining and self._open.get(room.room_id) is room:
            del self._open[room.room_id]

    async def _renew(self) -> None:
        now = time.monotonic()
        # Without connections nobody has renewed it.
        if not self._open or now - self._renewed_at >= RENEW_SECONDS:
            await self.sittings.live_on()
            self._renewed_at = now

    async def _gone(self, connection: Connection, *, for_good: bool) -> None:
        party = connection.party
        await self.sittings.go(party, connection.epoch, for_good=for_good)
        await self.wake(party.room_id)

    def _heard(self, message: BusMessage) -> None:
        room = self._open.get(message.room_id)
        if room is None:
            return
        if message.frame is None:
            self._soon(room.look())
        elif message.to is None or self._may_reach(room, message):
            room.hand_on(message.frame, to=message.to, sender=message.sender)

    def _may_reach(self, room: OpenRoom, message: BusMessage) -> bool:
        """A page that was put on hold just now reaches nobody, also where others know nothing."""
        ours = next((one for one in room.connections if one.epoch == message.to), None)
        if ours is None or message.frame is None:
            return False
        return room.may_signal(ours.party.seat, message.frame["from"])

    def _resumed(self) -> None:
        for room in self._open.values():
            self._soon(room.look())

    def _soon(self, work: Awaitable[None]) -> None:
        # In an empty context: what a request knows is none of this work's business.
        task = asyncio.create_task(self._quietly(work), name="consultation", context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  (one room must not keep the others unseen)
            # The next look at all rooms makes up for it.
            log.warning("room_not_seen", error=type(error).__name__)
