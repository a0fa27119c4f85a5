"""Consultations over HTTP, and the socket of their rooms."""

import asyncio
from asyncio import to_thread
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.consultations.adapters.live.admission import TicketAdmission
from booking_system.consultations.adapters.live.talk import LIMITS, PROTOCOL, RoomSockets
from booking_system.consultations.adapters.models import (
    ConsultationMessageOut,
    ConsultationOut,
    ConsultationProblem,
    ConsultationRoomOut,
)
from booking_system.consultations.adapters.transcript import (
    EXAMPLE,
    LANGUAGES,
    WORDS,
    file_name,
    heading,
    lines_of,
)
from booking_system.consultations.application.act_in_room import EndInRoom
from booking_system.consultations.application.enter_room import EnterRoom
from booking_system.consultations.application.ports import Waking
from booking_system.consultations.application.read_room import ReadChat, ShownRoom, ShowRoom
from booking_system.consultations.application.read_transcript import ReadTranscript
from booking_system.consultations.domain.refusals import (
    ConsultationNotFound,
    ConsultationNotOpen,
)
from booking_system.consultations.domain.seat import Seat
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.constant import ASKED_FOR_AGAIN, constant_json
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.languages import page_for
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    cursor_after,
    link_to_next,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId

OF_BOOKING = "/v1/bookings/{booking_id}/consultation"
ROOM = "/v1/consultations/{room_id}"
ASYNCAPI = "/asyncapi.json"
NOBODY_KEEPS = {"Cache-Control": "no-store"}
Caller = Annotated[Actor, Depends(caller)]
After = Annotated[
    int, Query(ge=0, le=2**53, description="Only messages with a greater `seq`: what is new")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultationRoutes:
    """HTTP for doctor, patient and desk; `public_url` is where sockets are opened."""

    enter: EnterRoom
    show: ShowRoom
    chat: ReadChat
    transcript: ReadTranscript
    end: EndInRoom
    wake: Waking
    sockets: RoomSockets
    admission: TicketAdmission
    public_url: str
    document: Callable[[], dict[str, Any]]

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Consultations")
        routes.add(
            "GET",
            OF_BOOKING,
            self.enter_consultation,
            policy=signed_in,
            answers=ConsultationOut,
            refuses=[ConsultationNotFound, NotPermitted, ConsultationNotOpen],
            problems={409: ConsultationProblem},
        )
        routes.add(
            "GET",
            ROOM,
            self.read_consultation,
            policy=signed_in,
            answers=ConsultationRoomOut,
            refuses=[ConsultationNotFound],
        )
        routes.add(
            "GET",
            f"{ROOM}/messages",
            self.list_consultation_messages,
            policy=signed_in,
            answers=Page[ConsultationMessageOut],
            refuses=[ConsultationNotFound, NotPermitted, InvalidCursor],
        )
        routes.add(
            "GET",
            f"{ROOM}/transcript",
            self.download_consultation_transcript,
            policy=signed_in,
            answers=None,
            refuses=[ConsultationNotFound, NotPermitted],
            media={"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}},
        )
        routes.add(
            "POST",
            f"{ROOM}/end",
            self.end_consultation,
            policy=signed_in,
            answers=ConsultationRoomOut,
            refuses=[ConsultationNotFound, NotPermitted, ConsultationNotOpen],
            problems={409: ConsultationProblem},
            once=InOneTransaction(again=self.show_ended_again),
        )
        routes.add(
            "GET",
            ASYNCAPI,
            self.read_asyncapi,
            policy=public,
            answers=None,
            shown=False,
            asks_who=False,
            needs_database=False,
        )
        routes.socket(
            ROOM,
            self.sockets.talk,
            policy=signed_in,
            protocol=PROTOCOL,
            admission=self.admission,
            limits=LIMITS,
        )
        return routes

    async def enter_consultation(self, booking_id: UUID, actor: Caller) -> Response:
        """Get a ticket to the room of an online booking; for its doctor and its patient.

        The room is open from some minutes before the booking to some minutes after, by the clinic's
        policy. Ask anew for each connection: each has a ticket of its own, and fresh credentials
        for the relay. What is said on the socket is described at `/asyncapi.json`.
        """
        entrance = await self.enter(appointment_id=AppointmentId(booking_id), actor=actor)
        return json_answer(ConsultationOut.of(entrance, self.public_url), headers=NOBODY_KEEPS)

    async def read_consultation(self, room_id: UUID, actor: Caller) -> Response:
        """Read where a consultation stands: its room, and who is in it.

        Its id is the booking's. For the doctor, the patient and the clinic's desk.
        """
        shown = await self.show(AppointmentId(room_id), actor)
        return json_answer(_shown(shown, actor), headers=NOBODY_KEEPS)

    async def list_consultation_messages(  # noqa: PLR0913, PLR0917
        self,
        request: Request,
        room_id: UUID,
        actor: Caller,
        limit: Limit = 50,
        cursor: CursorText = None,
        after: After = 0,
    ) -> Response:
        """List the chat of a consultation: in order, for doctor and patient, also when closed."""
        filters = {"room_id": room_id, "after": after}
        position = position_of(cursor, filters)
        last = after if position is None else position[1].int
        found = await self.chat(AppointmentId(room_id), actor, after=last, limit=limit)
        page = [ConsultationMessageOut.of(one) for one in found[:limit]]
        more = cursor_after(None, UUID(int=page[-1].seq), filters) if len(found) > limit else None
        return json_answer(
            Page[ConsultationMessageOut](items=page, next_cursor=more),
            headers=link_to_next(request, more) | NOBODY_KEEPS,
        )

    async def download_consultation_transcript(
        self, room_id: UUID, request: Request, actor: Caller
    ) -> Response:
        """Download the chat as text to keep; for its doctor and its patient.

        With the names of both and of guests, in the language of `Accept-Language` (`en`, `de`), by
        the clinic's wall clock. Files are named; their bytes are downloaded one by one.
        """
        words = WORDS[page_for(LANGUAGES, request.headers.get("accept-language", ""))]
        found = await self.transcript(AppointmentId(room_id), actor)
        card = found.card
        pieces = [heading(card, words)]
        async for page in found.pages:
            pieces.append(lines_of(page, card, found.guests, words))
            # Others go on between the pages of a long one.
            await asyncio.sleep(0)
        if len(pieces) == 1:
            pieces.append(f"{words['nothing']}\n")
        name = file_name(card)
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Vary": "Accept-Language",
            **NOBODY_KEEPS,
        }
        return Response("".join(pieces), headers=headers, media_type="text/plain")

    async def end_consultation(self, room_id: UUID, actor: Caller) -> Response:
        """End a consultation for all: as its doctor or the clinic's desk; again: no change."""
        await self.end.by_actor(AppointmentId(room_id), actor)
        await self.wake(AppointmentId(room_id))
        return json_answer(_shown(await self.show(AppointmentId(room_id), actor), actor))

    async def show_ended_again(self, request: StrictRequest, _: Sequence[UUID]) -> Response:
        """Show the room as it is now."""
        actor: Actor = request.scope["caller"]
        room_id = AppointmentId(UUID(request.path_params["room_id"]))
        return json_answer(_shown(await self.show(room_id, actor), actor))

    async def read_asyncapi(self, request: Request) -> Response:
        """Answer with the AsyncAPI document of the socket."""
        body = await to_thread(constant_json, self.document)
        return body.answer(request, cache_control=ASKED_FOR_AGAIN)


def _shown(shown: ShownRoom, actor: Actor) -> ConsultationRoomOut:
    room = shown.seen.room
    place = room.visit.seat_of(actor)
    actions: list[Literal["join", "end"]] = []
    if room.is_open(shown.now):
        if place is not None:
            actions.append("join")
        if (place is not None and place[0] is Seat.DOCTOR) or actor.works_at(room.visit.clinic_id):
            actions.append("end")
    return ConsultationRoomOut.of(shown, actions=actions)
