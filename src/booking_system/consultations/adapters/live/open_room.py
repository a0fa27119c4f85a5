"""A room with connections in this process: it is looked at when something happened, and told on."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from booking_system.consultations.adapters.live.connection import Connection
from booking_system.consultations.application.act_in_room import FollowAppointment
from booking_system.consultations.application.ports import Rooms, Seen
from booking_system.consultations.domain.ice import IceServers, IceSettings
from booking_system.consultations.domain.presence import Sitting
from booking_system.consultations.domain.room import Room
from booking_system.consultations.domain.seat import Party, Seat, offers_to
from booking_system.consultations.domain.stored import Entry
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId

PAGE = 50
LOOKS = count(1)
"""Numbers looks in the order in which they began: what a later one saw is not undone by another."""


class OpenRoom:
    """What this process knows of a room, and its connections to it.

    All that is told to them is read from the database under one lock, so it comes in order.
    """

    def __init__(  # noqa: PLR0913
        self,
        room_id: AppointmentId,
        *,
        rooms: Rooms,
        follow: FollowAppointment,
        ice: IceSettings,
        clock: Clock,
        changed: Callable[[AppointmentId], None],
    ) -> None:
        """`changed` is called where this process has noted something that others do not know."""
        self.room_id = room_id
        self.connections: set[Connection] = set()
        self.joining = 0
        self.seen: Seen | None = None
        self._rooms = rooms
        self._follow = follow
        self._ice = ice
        self._clock = clock
        self._changed = changed
        self._lock = asyncio.Lock()
        self._seen_at = 0

    async def join(self, connection: Connection) -> None:
        """Welcome it, and send what it has missed."""
        async with self._lock:
            self.connections.add(connection)
            await self._look()
            seen, now = self._seen_now(), self._clock.now()
            connection.welcome(seen, self.ice_for(connection.party, seen.room), now=now)
            await self._tell(now)

    async def look(self) -> None:
        """See what there is by now, and tell it, unless a later look has done so."""
        asked = next(LOOKS)
        async with self._lock:
            if self._seen_at < asked:
                await self._look()
                await self._tell(self._clock.now())

    async def take(self, seen: Seen, began: int) -> None:
        """Tell what a look at many rooms has seen, unless a later look was here."""
        async with self._lock:
            if self._seen_at < began:
                self.seen, self._seen_at = seen, began
                await self._tell(self._clock.now())

    async def stored(self, entry: Entry) -> None:
        """Tell what was just stored by this process, without a look where it follows."""
        async with self._lock:
            for connection in self.connections:
                connection.tell_stored([entry])
            is_told = all(one.sent >= entry.seq for one in self.connections)
        if not is_told:
            await self.look()

    def peer_at(self, party: Party, epoch: int) -> Sitting | None:
        """Return who is there now by this connection; None: nobody any more."""
        for one in self._seen_now().sittings:
            if one.epoch == epoch and one.seat is not party.seat and one.is_here:
                return one
        return None

    def may_signal(self, one: Seat, other: Seat) -> bool:
        """Say whether the doctor has let in both, and the room is open."""
        seen = self._seen_now()
        if not seen.room.is_open(self._clock.now()):
            return False
        admitted = {s.seat for s in seen.sittings if s.is_admitted}
        return {one, other} <= admitted

    def may_chat(self, party: Party) -> bool:
        """Say whether they read and write: doctor and patient always, a guest who was let in."""
        if party.seat is not Seat.GUEST:
            return True
        return any(s.seat is Seat.GUEST and s.is_admitted for s in self._seen_now().sittings)

    def may_offer(self, one: Seat, other: Seat) -> bool:
        """Say whether the first page makes the offers between both."""
        return offers_to(one, other)

    def hand_on(self, frame: dict[str, Any], *, to: int | None, sender: int | None) -> bool:
        """Send a frame to a connection of this process, or to all others; say whether any was."""
        is_sent = False
        for connection in self.connections:
            if to is None and connection.epoch == sender:
                continue
            if to is None or connection.epoch == to:
                key = ("typing", frame["who"]) if frame["type"] == "typing" else None
                connection.send(frame, key=key)
                is_sent = True
        return is_sent

    def ice_for(self, party: Party, room: Room) -> IceServers:
        """Return fresh credentials."""
        now = self._clock.now()
        return self._ice.servers_for(party, closes_at=room.closes_at(now), now=now)

    def _seen_now(self) -> Seen:
        assert self.seen is not None, "a connection joins behind a look"
        return self.seen

    async def _look(self) -> None:
        began = next(LOOKS)
        (seen,) = await self._rooms.look([self.room_id])
        self.seen, self._seen_at = seen, began

    async def _tell(self, now: datetime) -> None:
        """Note first what is over, then send what is stored, then the state."""
        room = self._seen_now().room
        if room.due_end(now) is not None or room.is_admitted_for_another_time:
            await self._follow(self.room_id)
            await self._look()
            self._changed(self.room_id)
        seen = self._seen_now()
        for connection in self.connections:
            connection.sees(seen)
        await self._tell_stored()
        for connection in [*self.connections]:
            connection.tell_state(seen, now=now, fresh_ice=self.ice_for)

    async def _tell_stored(self) -> None:
        seq = self._seen_now().room.seq
        while self.connections:
            last = min(one.sent for one in self.connections)
            if last >= seq:
                return
            entries: Sequence[Entry] = await self._rooms.entries(
                self.room_id, after=last, most=PAGE
            )
            if not entries:
                return
            for connection in self.connections:
                connection.tell_stored(entries)
