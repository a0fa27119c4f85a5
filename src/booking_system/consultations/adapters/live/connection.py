"""One page's connection to a room: what it was told, and what it is told next."""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from booking_system.consultations.adapters.live.frames_out import PING_SECONDS
from booking_system.consultations.adapters.live.telling import (
    ice_of,
    people,
    presence_of,
    stored_of,
)
from booking_system.consultations.application.ports import Seen
from booking_system.consultations.domain.ice import IceServers
from booking_system.consultations.domain.presence import Sitting
from booking_system.consultations.domain.room import Room
from booking_system.consultations.domain.seat import Party, Seat
from booking_system.consultations.domain.stored import Entry, EntryKind

MOST_HISTORY = 50
"""Stored frames that a page is sent when it joins; older ones it reads over HTTP."""
REPLACED, FORBIDDEN, OVER = (4409, "replaced"), (4403, "forbidden"), 4408


class Outlet(Protocol):
    """Where frames go out."""

    def send(self, message: object, *, key: Hashable | None = None) -> bool:
        """Send a frame; with a key, in place of an older frame of that key that waits."""
        ...


class Connection:
    """A page of a party in a room; `epoch` is the number of this connection."""

    def __init__(self, party: Party, epoch: int, outlet: Outlet, *, last_seq: int) -> None:
        """Nothing is sent before `welcome`."""
        self.party = party
        self.epoch = epoch
        self.sent = last_seq
        self.closing: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._outlet = outlet
        self._reads = party.seat is not Seat.GUEST
        self._shown: dict[Seat, dict[str, Any]] = {}
        self._marks: dict[Seat, tuple[int, int]] = {}
        self._closes_at: datetime | None = None
        self._late = 0
        self._is_doctor_elsewhere = False
        self._starts_at: datetime | None = None
        self._ice_due: datetime | None = None

    @property
    def is_closing(self) -> bool:
        """It has nothing more to be told."""
        return self.closing.done()

    def close(self, code: int, reason: str) -> None:
        """Ask its endpoint to close it; the first reason counts."""
        if not self.closing.done():
            self.closing.set_result((code, reason))

    def send(self, frame: Mapping[str, Any], *, key: Hashable | None = None) -> None:
        """Send a frame, unless it closes."""
        if not self.is_closing:
            self._outlet.send(frame, key=key)

    def welcome(self, seen: Seen, ice: IceServers, *, now: datetime) -> None:
        """Tell where everything stands; from here on only changes are told."""
        room = seen.room
        others = self._others(seen.sittings)
        self.sees(seen)
        if not self._reads:
            self.sent = room.seq
        first = max(room.seq - MOST_HISTORY, 0)
        has_gap = not first <= self.sent <= room.seq
        if has_gap:
            self.sent = first
        self._shown = {one.seat: presence_of(one) for one in others}
        self._closes_at, self._late = room.closes_at(now), room.told_late
        self._starts_at = room.visit.starts_at
        self._is_doctor_elsewhere = room.doctor_is_elsewhere
        self.send(
            {
                "type": "welcome",
                "you": {
                    "role": self.party.seat,
                    "user": self.party.user_id,
                    "epoch": self.epoch,
                },
                "peers": people(others),
                "room": {
                    "state": room.state(now, patient_is_here=seen.patient_is_here),
                    "admitted": room.is_admitted,
                    "late_minutes": room.told_late,
                    "extended": room.is_extended,
                    "doctor_elsewhere": room.doctor_is_elsewhere,
                },
                "first_seq": self.sent + 1,
                "seq": room.seq,
                "gap": has_gap,
                "ice_servers": ice_of(ice),
                "ice_expires_at": ice.expires_at,
                "relay_only": room.visit.relay_only,
                "closes_at": self._closes_at,
                "server_now": now,
                "ping_every": PING_SECONDS,
            }
        )
        self._plan_ice(ice, now)
        self._tell_marks(seen.sittings)

    def sees(self, seen: Seen) -> None:
        """Note whether it may read: a guest does as long as the doctor has let them in."""
        if self.party.seat is Seat.GUEST:
            mine = (one for one in seen.sittings if one.epoch == self.epoch)
            self._reads = any(one.is_admitted for one in mine)

    def tell_stored(self, entries: Sequence[Entry]) -> None:
        """Send what follows on what it has; what does not follow is left for a look.

        What was written while a guest waited is not for them.
        """
        for entry in entries:
            if entry.seq == self.sent + 1:
                if self._reads or entry.kind is not EntryKind.CHAT:
                    self.send(stored_of(entry))
                self.sent = entry.seq

    def tell_again(self, entry: Entry) -> None:
        """Send once more what was sent, for a page that asks whether it was stored."""
        self.send(stored_of(entry))

    def tell_state(
        self, seen: Seen, *, now: datetime, fresh_ice: Callable[[Party, Room], IceServers]
    ) -> None:
        """Send what has changed of the state, and close what is over."""
        room = seen.room
        self._judge(seen, now)
        if self.is_closing:
            return
        if (closes_at := room.closes_at(now)) != self._closes_at:
            self._closes_at = closes_at
            self.send({"type": "window", "closes_at": closes_at}, key="window")
        if room.told_late != self._late:
            self._late = room.told_late
            self.send({"type": "late", "minutes": self._late}, key="late")
        if room.doctor_is_elsewhere is not self._is_doctor_elsewhere:
            self._is_doctor_elsewhere = room.doctor_is_elsewhere
            self.send({"type": "doctor", "elsewhere": room.doctor_is_elsewhere}, key="doctor")
        shown = {one.seat: presence_of(one) for one in self._others(seen.sittings)}
        for seat, before in self._shown.items():
            # A guest who was removed sits nowhere any more.
            shown.setdefault(seat, {**before, "state": "left"})
        for seat, frame in shown.items():
            if frame != self._shown.get(seat):
                self.send(frame, key=("presence", seat))
        self._shown = shown
        self._tell_marks(seen.sittings)
        if self._ice_due is not None and now >= self._ice_due:
            ice = fresh_ice(self.party, room)
            self._plan_ice(ice, now)
            servers = {"servers": ice_of(ice), "expires_at": ice.expires_at}
            self.send({"type": "ice_servers", **servers}, key="ice_servers")

    def _judge(self, seen: Seen, now: datetime) -> None:
        room, party = seen.room, self.party
        mine = next((one for one in seen.sittings if one.seat is party.seat), None)
        if mine is not None and mine.epoch > self.epoch:
            self.close(*REPLACED)
        elif mine is None or room.visit.subject_of(party.seat) not in {None, party.subject_id}:
            self.close(*FORBIDDEN)
        elif not room.is_open(now):
            if now < room.visit.opens_at and self._starts_at != room.visit.starts_at:
                self.send({"type": "moved", "opens_at": room.visit.opens_at})
            self.close(OVER, room.state(now, patient_is_here=False))

    def _tell_marks(self, sittings: Sequence[Sitting]) -> None:
        for one in sittings:
            marks = one.delivered, one.read
            if marks != self._marks.get(one.seat, (0, 0)):
                self._marks[one.seat] = marks
                frame = {"type": "mark", "who": one.seat, "delivered": marks[0], "read": marks[1]}
                self.send(frame, key=("mark", one.seat))

    def _plan_ice(self, ice: IceServers, now: datetime) -> None:
        ends = ice.expires_at
        self._ice_due = None if ends is None else now + (ends - now) / 2

    def _others(self, sittings: Sequence[Sitting]) -> list[Sitting]:
        return [one for one in sittings if one.seat is not self.party.seat]
