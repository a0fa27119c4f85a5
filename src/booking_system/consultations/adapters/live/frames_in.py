"""What a page says in a room: frames of the subprotocol `booking.v1`, from client to server."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from booking_system.consultations.domain.presence import Switch
from booking_system.consultations.domain.room import MOST_LATE
from booking_system.consultations.domain.stored import LONGEST_TEXT
from booking_system.platform.http.fields import Whole, YesOrNo
from booking_system.platform.http.input import Input

MOST_SDP = 30_000
MOST_CANDIDATE = 2_000

Seq = Annotated[Whole, Field(ge=0, le=2**53)]
Epoch = Annotated[
    Whole, Field(ge=1, le=2**53, description="The connection that it is for, of the other party")
]
ChatText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT)]
Who = Annotated[
    Literal["patient", "guest"], Field(description="Whom the doctor lets in, or puts on hold")
]


class MediaIn(Input):
    """What the page sends."""

    mic: Switch = Switch.OFF
    camera: Switch = Switch.OFF
    screen: Switch = Switch.OFF


class Hello(Input):
    """The first frame, within five seconds."""

    type: Literal["hello"]
    client: UUID = Field(description="Made by this load of the page: another one is another page")
    last_seq: Seq = Field(default=0, description="The last stored frame that the page has")
    media: MediaIn = MediaIn()
    resume: YesOrNo = Field(default=False, description="This page was in the room before")


class Chat(Input):
    """A message. It is sent again after each `welcome` until its own `chat` frame came back.

    A guest who was not let in is answered `not_admitted`.
    """

    type: Literal["chat"]
    id: UUID = Field(description="The page's own id of the message: it is stored once")
    text: ChatText = Field(default="", description="May be empty beside a file")
    file_id: UUID | None = Field(
        default=None,
        description="A file of the purpose `chat_attachment` of this booking, which its sender has"
        " completed: `POST /v1/files`",
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Chat":
        if not self.text and self.file_id is None:
            message = "has words, or a file"
            raise ValueError(message)
        return self


class Read(Input):
    """The reader has seen stored frames up to here."""

    type: Literal["read"]
    seq: Seq


class Delivered(Input):
    """The page has stored frames up to here."""

    type: Literal["delivered"]
    seq: Seq


class Typing(Input):
    """Somebody writes, or stopped. Not stored; at most one in two seconds is passed on."""

    type: Literal["typing"]
    on: YesOrNo


class OfferDescription(Input):
    """A session description (RFC 8829)."""

    type: Literal["offer"]
    sdp: str = Field(max_length=MOST_SDP)


class AnswerDescription(Input):
    """A session description (RFC 8829)."""

    type: Literal["answer"]
    sdp: str = Field(max_length=MOST_SDP)


class Offer(Input):
    """From the doctor's page to another, from the patient's to a guest's; never the other way."""

    type: Literal["offer"]
    to: Epoch
    id: UUID = Field(description="The same when the offer is sent again")
    description: OfferDescription


class Answer(Input):
    """The way back."""

    type: Literal["answer"]
    to: Epoch
    re: UUID = Field(description="The offer's id")
    description: AnswerDescription


class Candidate(Input):
    """A candidate (RFC 8838), by the names of `RTCIceCandidate.toJSON`."""

    candidate: str = Field(max_length=MOST_CANDIDATE)
    sdpMid: Annotated[str, Field(max_length=100)] | None = None  # noqa: N815  (the browser's name)
    sdpMLineIndex: Annotated[Whole, Field(ge=0, le=100)] | None = None  # noqa: N815
    usernameFragment: Annotated[str, Field(max_length=300)] | None = None  # noqa: N815


class Ice(Input):
    """A candidate; or `restart`, by which a page asks for an offer with an ICE restart."""

    type: Literal["ice"]
    to: Epoch
    candidate: Candidate | None = None
    restart: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "Ice":
        if (self.candidate is None) is (self.restart is None):
            message = "has a candidate, or asks for a restart"
            raise ValueError(message)
        return self


class MediaChange(MediaIn):
    """What the page sends from now on: others see it by `presence`."""

    type: Literal["media"]


class Admit(Input):
    """The doctor lets somebody in; again, it changes nothing."""

    type: Literal["admit"]
    who: Who = "patient"


class Hold(Input):
    """The doctor puts somebody back into the waiting room."""

    type: Literal["hold"]
    who: Who = "patient"


class Extend(Input):
    """The doctor keeps the room open for a quarter of an hour more, once."""

    type: Literal["extend"]


class Late(Input):
    """The doctor tells the people who wait how late they are; 0 takes it back."""

    type: Literal["late"]
    minutes: Annotated[Whole, Field(ge=0, le=MOST_LATE)]


class End(Input):
    """The doctor ends the consultation for all."""

    type: Literal["end"]


class Leave(Input):
    """The page goes on purpose: its party has left, and is not just away."""

    type: Literal["leave"]
    reason: Annotated[str, Field(max_length=100)] | None = None


class Ping(Input):
    """Every twenty seconds, so that there is data in both directions."""

    type: Literal["ping"]
    t: Annotated[Whole, Field(ge=0, le=2**53)] = Field(description="Comes back in `pong`")


Frame = (
    Hello
    | Chat
    | Read
    | Delivered
    | Typing
    | Offer
    | Answer
    | Ice
    | MediaChange
    | Admit
    | Hold
    | Extend
    | Late
    | End
    | Leave
    | Ping
)
FRAMES: TypeAdapter[Frame] = TypeAdapter(Annotated[Frame, Field(discriminator="type")])
LARGE = (Offer, Answer, Chat)
"""These may be as large as the socket reads, others have a quarter of that."""
