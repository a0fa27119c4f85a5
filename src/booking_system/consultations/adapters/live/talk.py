"""The endpoint of a room's socket: reads what a page says, and does it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pydantic

from booking_system.consultations.adapters.live import frames_in as says
from booking_system.consultations.adapters.live.buckets import Bucket
from booking_system.consultations.adapters.live.connection import Connection
from booking_system.consultations.adapters.live.hub import LiveRooms
from booking_system.consultations.adapters.live.open_room import OpenRoom
from booking_system.consultations.application.act_in_room import (
    AdmitInRoom,
    EndInRoom,
    SayInRoom,
    TellRoom,
)
from booking_system.consultations.application.ports import Rooms
from booking_system.consultations.domain.presence import Media
from booking_system.consultations.domain.refusals import AttachmentMissing, ConsultationNotOpen
from booking_system.consultations.domain.seat import Party, Seat
from booking_system.platform.http.input import strict_json
from booking_system.platform.http.open_socket import (
    AGAINST_RULES,
    TOO_LARGE,
    Socket,
    SocketClosed,
    SocketLimits,
)
from booking_system.platform.postgres.faults import DependencyUnavailable
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import (
    Invalid,
    Malformed,
    NotFound,
    NotPermitted,
    Transient,
    Unavailable,
)

PROTOCOL = "booking.v1"
HELLO_SECONDS = 5.0
NO_HELLO = 1002
OVER = 4408
LARGEST = 32 * 1024
LARGE = 8 * 1024
LIMITS = SocketLimits(most_bytes=LARGEST, per_second=40.0, at_once=240)
"""Beyond these a page is closed at once; before that it is told that it is too fast."""
MOST_MALFORMED = 3
TYPING_PAUSE = timedelta(seconds=2)


class NotAdmitted(Exception):
    """The doctor has not let them in."""


class PeerGone(Exception):
    """The connection that a frame is for is over."""


@dataclass(slots=True)
class Manners:
    """How well one page behaves."""

    frames: Bucket = field(default_factory=lambda: Bucket(per_second=20.0, at_once=60.0))
    chats: Bucket = field(default_factory=lambda: Bucket(per_second=5.0, at_once=20.0))
    typing: Bucket = field(default_factory=lambda: Bucket(per_second=0.5, at_once=2.0))
    refused: Bucket = field(default_factory=lambda: Bucket(per_second=1.0, at_once=60.0))
    malformed: int = 0

    def wait(self, frame: says.Frame) -> int:
        """Return the seconds that it has to wait with this frame; 0: none.

        Raises `SocketClosed` where it does not stop although it is told so.
        """
        seconds = self.frames.spend()
        if not seconds and isinstance(frame, says.Chat):
            seconds = self.chats.spend()
        if seconds and self.refused.spend():
            raise SocketClosed(AGAINST_RULES, "rate_limited")
        return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSockets:
    """Serves sockets of parties that were admitted by a ticket."""

    live: LiveRooms
    rooms: Rooms
    say: SayInRoom
    admit: AdmitInRoom
    tell: TellRoom
    end: EndInRoom
    clock: Clock

    async def talk(self, socket: Socket) -> None:
        """Serve one connection to its end."""
        party: Party = socket.caller
        await self._check_open(party)
        messages = socket.messages()
        hello = await _hello(messages)
        media = Media(hello.media.mic, hello.media.camera, hello.media.screen)
        try:
            room, connection = await self.live.join(
                party, socket, client=hello.client, media=media, last_seq=hello.last_seq
            )
        except Transient:
            raise DependencyUnavailable(retry_after=1) from None
        has_left = False
        reading = asyncio.create_task(self._listen(room, connection, messages))
        try:
            either: set[asyncio.Future[Any]] = {reading, connection.closing}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if connection.closing.done():
                raise SocketClosed(*connection.closing.result())
            reading.result()
            has_left = True
        finally:
            reading.cancel()
            self.live.leave(room, connection, for_good=has_left)

    async def _check_open(self, party: Party) -> None:
        seen = await self.rooms.look([party.room_id])
        if not seen or not seen[0].room.is_open(self.clock.now()):
            raise SocketClosed(OVER, ConsultationNotOpen.code)

    async def _listen(
        self, room: OpenRoom, connection: Connection, messages: AsyncIterator[str]
    ) -> None:
        """Do what the page says; returns when it leaves."""
        manners = Manners()
        async for text in messages:
            try:
                frame = _frame(text)
            except (Malformed, Invalid):
                manners.malformed += 1
                connection.send(_error("malformed"))
                if manners.malformed >= MOST_MALFORMED:
                    raise SocketClosed(AGAINST_RULES, "malformed") from None
                continue
            if isinstance(frame, says.Leave):
                return
            if seconds := manners.wait(frame):
                about = _id_of(frame)
                connection.send(_error("rate_limited", about, seconds), key=("error", about))
                continue
            await self._do(frame, room, connection, manners)

    async def _do(
        self, frame: says.Frame, room: OpenRoom, connection: Connection, manners: Manners
    ) -> None:
        try:
            if isinstance(frame, says.Offer | says.Answer | says.Ice):
                await self._signal(frame, room, connection)
            elif isinstance(frame, says.Typing):
                self._type(frame, room, connection, manners)
            else:
                await self._act(frame, room, connection)
        except NotAdmitted:
            connection.send(_error("not_admitted", _id_of(frame)))
        except PeerGone:
            connection.send(_error("peer_gone", _id_of(frame)))
        except (NotPermitted, NotFound):
            connection.send(_error("forbidden", _id_of(frame)))
        except AttachmentMissing:
            connection.send(_error("attachment_missing", _id_of(frame)))
        except ConsultationNotOpen:
            connection.send(_error("consultation_not_open", _id_of(frame)))
            await room.look()
        except (Unavailable, Transient):
            connection.send(_error("unavailable", _id_of(frame), 1))

    def _type(
        self, frame: says.Typing, room: OpenRoom, connection: Connection, manners: Manners
    ) -> None:
        party = connection.party
        if not room.may_chat(party):
            raise NotAdmitted
        if not manners.typing.spend():
            typing = {"type": "typing", "who": party.seat, "on": frame.on}
            self.live.spread(room, typing, sender=connection.epoch)

    async def _act(self, frame: says.Frame, room: OpenRoom, connection: Connection) -> None:
        party, epoch = connection.party, connection.epoch
        match frame:
            case says.Ping():
                pong = {"type": "pong", "t": frame.t, "server_now": self.clock.now()}
                connection.send(pong, key="pong")
                return
            case says.Chat():
                if not room.may_chat(party):
                    raise NotAdmitted
                # What a look tells while it is being stored is new all the same.
                heard = connection.sent
                entry = await self.say(
                    party,
                    client_id=frame.id,
                    text=frame.text,
                    file_id=frame.file_id,
                    seen=None if room.seen is None else room.seen.room,
                )
                if entry.seq <= heard:
                    # It was stored before: its page has not heard so, and asks once more.
                    connection.tell_again(entry)
                    return
                await room.stored(entry)
                self.live.tell_others(room)
                return
            case says.Read():
                await self.live.sittings.mark(party, epoch, delivered=frame.seq, read=frame.seq)
            case says.Delivered():
                await self.live.sittings.mark(party, epoch, delivered=frame.seq, read=0)
            case says.MediaChange():
                media = Media(frame.mic, frame.camera, frame.screen)
                await self.live.sittings.set_media(party, epoch, media)
            case _:
                await self._decide(frame, party)
        await self.live.wake(party.room_id)

    async def _decide(self, frame: says.Frame, party: Party) -> None:
        match frame:
            case says.Admit() | says.Hold():
                is_admitted = isinstance(frame, says.Admit)
                await self.admit(party, of=Seat(frame.who), is_admitted=is_admitted)
            case says.Extend():
                await self.tell.extend(party)
            case says.Late():
                await self.tell.late(party, frame.minutes)
            case says.End():
                await self.end.by_party(party)
            case _:
                # A second `hello`.
                raise NotPermitted

    async def _signal(
        self, frame: says.Offer | says.Answer | says.Ice, room: OpenRoom, connection: Connection
    ) -> None:
        party = connection.party
        peer = room.peer_at(party, frame.to)
        if peer is None:
            # Perhaps it came a moment ago, by another process.
            await room.look()
            peer = room.peer_at(party, frame.to)
        if not room.may_signal(party.seat, party.seat if peer is None else peer.seat):
            raise NotAdmitted
        if peer is None:
            raise PeerGone
        offers = room.may_offer(party.seat, peer.seat)
        is_restart = isinstance(frame, says.Ice) and frame.restart is not None
        if (isinstance(frame, says.Offer) and not offers) or (
            offers and (isinstance(frame, says.Answer) or is_restart)
        ):
            raise NotPermitted
        relayed: dict[str, Any] = frame.model_dump(mode="json", exclude={"to"}, exclude_none=True)
        relayed |= {"from": party.seat, "epoch": connection.epoch}
        self.live.pass_on(room, relayed, to=frame.to)


async def _hello(messages: AsyncIterator[str]) -> says.Hello:
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            frame = _frame(await anext(messages))
    except (TimeoutError, Malformed, Invalid):
        raise SocketClosed(NO_HELLO, "hello") from None
    if not isinstance(frame, says.Hello):
        raise SocketClosed(NO_HELLO, "hello")
    return frame


def _frame(text: str) -> says.Frame:
    """Return the frame. Raises `Malformed` or `Invalid`, and `SocketClosed` for a large one."""
    raw = text.encode(errors="surrogatepass")
    try:
        frame = says.FRAMES.validate_python(strict_json(raw))
    except pydantic.ValidationError:
        raise Malformed from None
    if len(raw) > LARGE and not isinstance(frame, says.LARGE):
        raise SocketClosed(TOO_LARGE, "too_large")
    return frame


def _id_of(frame: says.Frame) -> UUID | None:
    match frame:
        case says.Chat() | says.Offer():
            return frame.id
        case says.Answer():
            return frame.re
        case _:
            return None


def _error(code: str, about: UUID | None = None, retry_after: int | None = None) -> dict[str, Any]:
    return {"type": "error", "code": code, "id": about, "retry_after": retry_after}
