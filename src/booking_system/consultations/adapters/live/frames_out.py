"""What a page is told in a room: frames of the subprotocol `booking.v1`, from server to client."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from booking_system.consultations.domain.presence import Presence, Switch
from booking_system.consultations.domain.room import EndReason, RoomState
from booking_system.consultations.domain.seat import Seat
from booking_system.files.domain.kinds import MediaKind

PING_SECONDS = 20

Number = Annotated[int, Field(description="Of what is stored in the room: 1, 2, 3 … without a gap")]
Sender = Annotated[Seat, Field(alias="from", serialization_alias="from")]


class OutFrame(BaseModel):
    """The base of all. `telling` makes what goes out; tests hold it against these."""

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
    doctor_elsewhere: bool = Field(description="The doctor is in another call by now")


class IceServerOut(OutFrame):
    """As `RTCPeerConnection` takes it."""

    urls: list[str] = Field(
        examples=[["turns:turn.example.com:443?transport=tcp"]],
        description="Addresses of one STUN or TURN server",
    )
    username: str | None = Field(
        default=None,
        examples=["1803888000:9f86d081884c7d659a2feaa0"],
        description="For TURN; null: none is needed",
    )
    credential: str | None = Field(
        default=None,
        examples=["6sKQ…"],
        description="For TURN, good until `ice_expires_at`; null: none is needed",
    )


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


class SentFileOut(OutFrame):
    """A file that was sent. Doctor and patient read it: `GET /v1/files/{id}`."""

    id: UUID = Field(examples=["0192f0c1-2b3c-7d4e-8f50-617283940099"])
    filename: str = Field(
        description="What its sender called it: show it as text, never as markup",
        examples=["report.pdf"],
    )
    content_type: MediaKind
    size: int = Field(description="How large the file is, in bytes", examples=[48_213])


class ChatFrame(OutFrame):
    """A message as it is stored."""

    type: Literal["chat"] = "chat"
    seq: Number
    id: UUID = Field(description="By which its sender knows it")
    sender: Sender
    at: datetime
    text: str = Field(description="May be empty beside a file")
    file: SentFileOut | None = None


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


class DoctorFrame(OutFrame):
    """The doctor is in another call, or is so no more."""

    type: Literal["doctor"] = "doctor"
    elsewhere: bool


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
    "attachment_missing",
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
    DoctorFrame,
    MovedFrame,
    IceServersFrame,
    TypingFrame,
    RelayedFrame,
    PongFrame,
    ErrorFrame,
)
