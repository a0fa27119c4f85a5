"""What a page is told in a room: frames of the subprotocol `booking.v1`, from server to client."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from booking_system.consultations.domain.ice import IceServers
from booking_system.consultations.domain.presence import Presence, Sitting, Switch
from booking_system.consultations.domain.room import EndReason, RoomState
from booking_system.consultations.domain.seat import Seat
from booking_system.consultations.domain.stored import Entry, EntryKind

PING_SECONDS = 20

Number = Annotated[int, Field(description="Of what is stored in the room: 1, 2, 3 … without a gap")]
Sender = Annotated[Seat, Field(alias="from", serialization_alias="from")]


class OutFrame(BaseModel):
    """The base of all. The functions below make what goes out; tests hold it against these."""

    model_config = ConfigDict(extra="forbid")


class MediaOut(OutFrame):
    """What somebody sends."""

    mic: Switch
    camera: Switch
    screen: Switch


class PersonOut(OutFrame):
    """Somebody in the room, or who was."""

    who: Seat
    state: Presence
    epoch: int = Field(description="Of their newest connection")
    client: UUID = Field(description="Their page: another one needs another RTCPeerConnection")
    media: MediaOut
    name: str | None = Field(description="A guest's, as the doctor wrote it")
    since: datetime = Field(description="UTC; a connection that breaks is no new beginning")


class PresenceFrame(PersonOut):
    """Somebody came, went, waits, was let in, or sends something else."""

    type: Literal["presence"] = "presence"


class YouOut(OutFrame):
    """Who the page is."""

    role: Seat
    user: UUID
    epoch: int


class RoomOut(OutFrame):
    """Where the room stands."""

    state: RoomState
    admitted: bool = Field(description="The patient was let in")
    late_minutes: int = Field(description="What the doctor told of being late")
    extended: bool


class IceServerOut(OutFrame):
    """As `RTCPeerConnection` takes it."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class WelcomeFrame(OutFrame):
    """The answer to `hello`. Stored frames up to `seq` that follow are history."""

    type: Literal["welcome"] = "welcome"
    you: YouOut
    peers: list[PersonOut]
    room: RoomOut
    first_seq: int = Field(description="The first stored frame that follows")
    seq: int = Field(description="The last stored frame by now; 0: nothing is stored")
    gap: bool = Field(description="Older ones are missing: read them over HTTP")
    ice_servers: list[IceServerOut]
    ice_expires_at: datetime | None
    relay_only: bool
    closes_at: datetime
    server_now: datetime
    ping_every: int = Field(description="Seconds")


class ChatFrame(OutFrame):
    """A message as it is stored."""

    type: Literal["chat"] = "chat"
    seq: Number
    id: UUID = Field(description="By which its sender knows it")
    sender: Sender
    at: datetime
    text: str


class AdmittedFrame(OutFrame):
    """Somebody was let in: pages may signal to each other."""

    type: Literal["admitted"] = "admitted"
    seq: Number
    who: Seat
    at: datetime


class HeldFrame(OutFrame):
    """Somebody was put back into the waiting room: nothing is signalled to or by them."""

    type: Literal["held"] = "held"
    seq: Number
    who: Seat
    at: datetime


class EndedFrame(OutFrame):
    """It is over; the socket is closed with 4408 unless it was opened again since."""

    type: Literal["ended"] = "ended"
    seq: Number
    reason: EndReason
    at: datetime


class MarkFrame(OutFrame):
    """Up to where somebody's page has the stored frames, and up to where they were read."""

    type: Literal["mark"] = "mark"
    who: Seat
    delivered: int
    read: int


class WindowFrame(OutFrame):
    """The room closes then, by an extension or because a call goes on behind its window."""

    type: Literal["window"] = "window"
    closes_at: datetime


class LateFrame(OutFrame):
    """The doctor says how late they are."""

    type: Literal["late"] = "late"
    minutes: int


class MovedFrame(OutFrame):
    """The appointment was moved; the socket is closed with 4408."""

    type: Literal["moved"] = "moved"
    opens_at: datetime


class IceServersFrame(OutFrame):
    """Fresh credentials, before the others end: for `setConfiguration`."""

    type: Literal["ice_servers"] = "ice_servers"
    servers: list[IceServerOut]
    expires_at: datetime | None


class TypingFrame(OutFrame):
    """Somebody writes, or stopped."""

    type: Literal["typing"] = "typing"
    who: Seat
    on: bool


class RelayedFrame(OutFrame):
    """An `offer`, `answer` or `ice` of another page: its fields, but for `to`."""

    type: Literal["offer", "answer", "ice"]
    sender: Sender
    epoch: int = Field(description="The connection that an answer is for")
    id: UUID | None = None
    re: UUID | None = None
    description: dict[str, Any] | None = None
    candidate: dict[str, Any] | None = None
    restart: bool | None = None


class PongFrame(OutFrame):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"
    t: int
    server_now: datetime


ErrorCode = Literal[
    "malformed",
    "rate_limited",
    "not_admitted",
    "peer_gone",
    "forbidden",
    "consultation_not_open",
    "unavailable",
]


class ErrorFrame(OutFrame):
    """A frame had no effect. `id` is that of the chat message or offer that it had."""

    type: Literal["error"] = "error"
    code: ErrorCode
    id: UUID | None = None
    retry_after: int | None = Field(default=None, description="Seconds")


OUT = (
    WelcomeFrame,
    PresenceFrame,
    ChatFrame,
    AdmittedFrame,
    HeldFrame,
    EndedFrame,
    MarkFrame,
    WindowFrame,
    LateFrame,
    MovedFrame,
    IceServersFrame,
    TypingFrame,
    RelayedFrame,
    PongFrame,
    ErrorFrame,
)


def presence_of(sitting: Sitting) -> dict[str, Any]:
    """Return the frame that tells of a sitting."""
    return {"type": "presence", **_person(sitting)}


def _person(sitting: Sitting) -> dict[str, Any]:
    return {
        "who": sitting.seat,
        "state": sitting.presence,
        "epoch": sitting.epoch,
        "client": sitting.client,
        "media": {
            "mic": sitting.media.mic,
            "camera": sitting.media.camera,
            "screen": sitting.media.screen,
        },
        "name": sitting.name,
        "since": sitting.since,
    }


def people(sittings: Iterable[Sitting]) -> list[dict[str, Any]]:
    """Return what `welcome` says of the others."""
    return [_person(one) for one in sittings]


def stored_of(entry: Entry) -> dict[str, Any]:
    """Return the frame of what is stored."""
    frame: dict[str, Any] = {"type": entry.kind, "seq": entry.seq, "at": entry.at}
    if entry.kind is EntryKind.CHAT:
        return frame | {"id": entry.client_id, "from": entry.seat, "text": entry.text}
    if entry.kind is EntryKind.ENDED:
        return frame | {"reason": entry.reason}
    return frame | {"who": entry.of}


def ice_of(ice: IceServers) -> list[dict[str, Any]]:
    """Return what `RTCPeerConnection` takes."""
    return [
        {"urls": list(one.urls)}
        if one.username is None
        else {
            "urls": list(one.urls),
            "username": one.username,
            "credential": one.credential,
        }
        for one in ice.servers
    ]
