"""What the API takes and gives of consultations."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.consultations.adapters.live.frames_out import IceServerOut, SentFileOut
from booking_system.consultations.adapters.live.telling import attachment_of, ice_of
from booking_system.consultations.application.enter_room import Entrance
from booking_system.consultations.application.keep_guests import GuestEntrance
from booking_system.consultations.application.read_room import ShownRoom
from booking_system.consultations.domain.guest import Guest, GuestKind
from booking_system.consultations.domain.presence import Presence, Sitting
from booking_system.consultations.domain.room import RoomState
from booking_system.consultations.domain.seat import Seat
from booking_system.consultations.domain.stored import Entry
from booking_system.platform.http.documentation import Problem
from booking_system.platform.http.input import Input, ShortText

EXAMPLE_ID = "01912d2b-0000-7000-8000-000000000001"
EXAMPLE_TOKEN = "Xb1rT0…"  # noqa: S105  (the shape of one)


class ConsultationProblem(Problem):
    """Why a room is not open, and when it is."""

    room_state: RoomState | None = Field(
        default=None, description="These three come where the room is not open"
    )
    opens_at: datetime | None = Field(
        default=None,
        description="When the room opens. UTC; absent where that is not why you are refused",
    )
    closes_at: datetime | None = Field(
        default=None,
        description="When the room closes. UTC; absent where that is not why you are refused",
    )


class ConsultationOut(BaseModel):
    """What a page needs to come into a room. Ask anew for each connection."""

    room_id: UUID = Field(examples=[EXAMPLE_ID])
    opens_at: datetime = Field(
        description="From then on the room can be entered. UTC", examples=["2027-03-01T07:45:00Z"]
    )
    closes_at: datetime = Field(
        description="Until then the room can be entered. UTC", examples=["2027-03-01T09:00:00Z"]
    )
    ticket: str = Field(
        description="Offer it as the subprotocol `ticket.<ticket>` beside `booking.v1`, once,"
        " within a minute",
        examples=[EXAMPLE_TOKEN],
    )
    websocket_url: str = Field(
        examples=["wss://booking.example.com/v1/consultations/01912d2b-0000-7000-8000-000000000001"]
    )
    ice_servers: list[IceServerOut] = Field(description="For `RTCPeerConnection`; may be empty")
    ice_expires_at: datetime | None = Field(description="UTC; null: nothing in them ends")
    role: Seat
    relay_only: bool = Field(description='Use `iceTransportPolicy: "relay"`')
    server_now: datetime = Field(
        description="What time it is here. UTC: count down by it, as clocks of devices are off"
    )

    @classmethod
    def of(cls, entrance: Entrance, public_url: str) -> "ConsultationOut":
        """Show a way in."""
        return cls(**_way_in(entrance, public_url))


class GuestTokenIn(Input):
    """What opens the room for a further party."""

    token: str = Field(
        min_length=1,
        max_length=100,
        description="Of the link, the first time; then the `return_token` of that answer",
        examples=[EXAMPLE_TOKEN],
    )


class GuestConsultationOut(ConsultationOut):
    """The same for a further party, whom the doctor lets in by hand."""

    name: str = Field(
        description="The guest's name, as the doctor wrote it in the invitation",
        examples=["Example Interpreter"],
    )
    return_token: str = Field(
        description="Comes back by it after a break, as often as needed; the link opens once",
        examples=[EXAMPLE_TOKEN],
    )

    @classmethod
    def of_guest(cls, way: GuestEntrance, public_url: str) -> "GuestConsultationOut":
        """Show a guest's way in."""
        return cls(
            **_way_in(way.entrance, public_url),
            name=way.guest.name,
            return_token=way.return_token,
        )


class GuestIn(Input):
    """Whom the doctor invites."""

    kind: GuestKind = Field(
        examples=[GuestKind.INTERPRETER],
        description="Why the guest takes part; doctor and patient both see it",
    )
    name: ShortText = Field(
        max_length=80,
        description="The guest's name, which doctor and patient both see",
        examples=["Example Interpreter"],
    )


class GuestOut(BaseModel):
    """A further party of a consultation."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    kind: GuestKind = Field(description="Why the guest takes part; doctor and patient both see it")
    name: str = Field(
        examples=["Example Interpreter"], description="As the doctor wrote it; both sides see it"
    )
    created_at: datetime = Field(description="When the guest was invited. UTC")
    expires_at: datetime = Field(description="UTC; the link opens nothing from then on")
    used_at: datetime | None = Field(description="UTC; the link was opened then, and is used up")
    removed_at: datetime | None = Field(
        description="When the guest was sent away, or the link taken back. UTC; null: neither"
    )

    @classmethod
    def of(cls, guest: Guest) -> "GuestOut":
        """Show one."""
        return cls(**_guest(guest))


class NewGuestOut(GuestOut):
    """The same with the secret of its link, which is shown this once."""

    link_token: str | None = Field(
        description="Hand it over as the fragment of your page's address, which no server sees."
        " Null where the request is answered again",
        examples=[EXAMPLE_TOKEN],
    )

    @classmethod
    def made(cls, guest: Guest, token: str | None) -> "NewGuestOut":
        """Show a guest who was just invited, or is shown again."""
        return cls(**_guest(guest), link_token=token)


class ConsultationMessageOut(BaseModel):
    """A message of the chat."""

    seq: int = Field(description="Its number among all that is stored in the room", examples=[7])
    id: UUID = Field(description="By which its sender knows it", examples=[EXAMPLE_ID])
    sender: Seat = Field(
        examples=[Seat.PATIENT], description="In which place of the room its writer sat"
    )
    at: datetime = Field(description="When it was said. UTC")
    text: str = Field(
        description="May be empty beside a file", examples=["My camera does not work."]
    )
    file: SentFileOut | None = Field(description="Read it by `GET /v1/files/{id}`")

    @classmethod
    def of(cls, entry: Entry) -> "ConsultationMessageOut":
        """Show one."""
        assert entry.client_id is not None, "a message has its sender's id"
        assert entry.seat is not None, "a message has a sender"
        assert entry.text is not None, "a message has words"
        file = attachment_of(entry)
        return cls(
            seq=entry.seq,
            id=entry.client_id,
            sender=entry.seat,
            at=entry.at,
            text=entry.text,
            file=None if file is None else SentFileOut(**file),
        )


class InRoomOut(BaseModel):
    """Somebody in a room, or who was."""

    role: Seat
    state: Presence = Field(
        description="Whether they wait, are here, are away for a moment, or have left"
    )
    since: datetime = Field(description="Since when they are in that state. UTC")
    name: str | None = Field(
        description="What a guest is called; null: it is the doctor or the patient",
        examples=["Example Interpreter"],
    )

    @classmethod
    def of(cls, sitting: Sitting) -> "InRoomOut":
        """Show a sitting."""
        return cls(
            role=sitting.seat, state=sitting.presence, since=sitting.since, name=sitting.name
        )


class ConsultationRoomOut(BaseModel):
    """Where a room stands."""

    room_id: UUID = Field(examples=[EXAMPLE_ID])
    state: RoomState = Field(
        description="Whether the room can be entered yet, still, or never more"
    )
    opens_at: datetime = Field(description="From then on the room can be entered. UTC")
    closes_at: datetime = Field(description="Until then the room can be entered. UTC")
    is_admitted: bool = Field(description="The doctor has let the patient in")
    late_minutes: int = Field(description="What the doctor told of being late", examples=[10])
    people: list[InRoomOut] = Field(description="Everybody who is in the room, or was")
    allowed_actions: list[Literal["join", "end"]] = Field(
        description="What the caller may do now: offer these buttons and no others"
    )

    @classmethod
    def of(
        cls, shown: ShownRoom, *, actions: list[Literal["join", "end"]]
    ) -> "ConsultationRoomOut":
        """Show a room."""
        room, now = shown.seen.room, shown.now
        return cls(
            room_id=room.visit.appointment_id,
            state=room.state(now, patient_is_here=shown.seen.patient_is_here),
            opens_at=room.visit.opens_at,
            closes_at=room.closes_at(now),
            is_admitted=room.is_admitted,
            late_minutes=room.told_late,
            people=[InRoomOut.of(one) for one in shown.seen.sittings],
            allowed_actions=actions,
        )


def _way_in(entrance: Entrance, public_url: str) -> dict[str, Any]:
    room, party = entrance.room, entrance.party
    # http becomes ws, https becomes wss.
    base = "ws" + public_url.removeprefix("http")
    return {
        "room_id": party.room_id,
        "opens_at": room.visit.opens_at,
        "closes_at": room.closes_at(entrance.now),
        "ticket": entrance.ticket,
        "websocket_url": f"{base}/v1/consultations/{party.room_id}",
        "ice_servers": ice_of(entrance.ice),
        "ice_expires_at": entrance.ice.expires_at,
        "role": party.seat,
        "relay_only": room.visit.relay_only,
        "server_now": entrance.now,
    }


def _guest(guest: Guest) -> dict[str, Any]:
    return {
        "id": guest.id,
        "kind": guest.kind,
        "name": guest.name,
        "created_at": guest.created_at,
        "expires_at": guest.expires_at,
        "used_at": guest.used_at,
        "removed_at": guest.removed_at,
    }
