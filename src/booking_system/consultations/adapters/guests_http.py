"""Further parties of consultations over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from booking_system.consultations.adapters.http import NOBODY_KEEPS, ROOM
from booking_system.consultations.adapters.models import (
    ConsultationProblem,
    GuestConsultationOut,
    GuestIn,
    GuestOut,
    GuestTokenIn,
    NewGuestOut,
)
from booking_system.consultations.application.keep_guests import (
    EnterAsGuest,
    InviteGuest,
    ListGuests,
    RemoveGuest,
    ShowGuest,
)
from booking_system.consultations.domain.refusals import (
    ConsultationNotFound,
    ConsultationNotOpen,
    GuestAlreadyInvited,
)
from booking_system.consultations.domain.seat import GuestId
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import StrictRequest
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

GUESTS = f"{ROOM}/guests"
ENTRY = "/v1/consultation-guests"
Caller = Annotated[Actor, Depends(caller)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRoutes:
    """HTTP for the doctor, and for the guest; `public_url` is where sockets are opened."""

    invite: InviteGuest
    list: ListGuests
    show: ShowGuest
    remove: RemoveGuest
    enter: EnterAsGuest
    public_url: str

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Consultations")
        routes.add(
            "POST",
            GUESTS,
            self.invite_guest,
            policy=signed_in,
            status=201,
            answers=NewGuestOut,
            refuses=[
                ConsultationNotFound,
                NotPermitted,
                ConsultationNotOpen,
                GuestAlreadyInvited,
            ],
            problems={409: ConsultationProblem},
            once=InOneTransaction(again=self.show_guest_again),
        )
        routes.add(
            "GET",
            GUESTS,
            self.list_guests,
            policy=signed_in,
            answers=Page[GuestOut],
            refuses=[ConsultationNotFound, NotPermitted, InvalidCursor],
        )
        routes.add(
            "DELETE",
            f"{GUESTS}/{{guest_id}}",
            self.remove_guest,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[ConsultationNotFound, NotPermitted],
        )
        routes.add(
            "POST",
            ENTRY,
            self.enter_consultation_as_guest,
            policy=public,
            answers=GuestConsultationOut,
            refuses=[ConsultationNotFound, ConsultationNotOpen],
            problems={409: ConsultationProblem},
            asks_who=False,
        )
        return routes

    async def invite_guest(self, room_id: UUID, body: GuestIn, actor: Caller) -> Response:
        """Invite a guest to a consultation: an interpreter, a relative; as its doctor.

        The link opens once, within a quarter of an hour. The guest is shown to both sides, waits
        until the doctor lets them in, and can be removed.
        """
        room = AppointmentId(room_id)
        made = await self.invite(room, actor, kind=body.kind, name=body.name)
        shown = NewGuestOut.made(made.guest, made.token)
        headers = {"Location": f"{GUESTS.format(room_id=room_id)}/{made.guest.id}", **NOBODY_KEEPS}
        return making_answer(shown, [made.guest.id], headers=headers)

    async def show_guest_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the guest, without the link. Raises `ConsultationNotFound`."""
        actor: Actor = request.scope["caller"]
        guest = await self.show(GuestId(made[0]), actor)
        return json_answer(NewGuestOut.made(guest, None), headers=NOBODY_KEEPS)

    async def list_guests(
        self,
        request: Request,
        room_id: UUID,
        actor: Caller,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the guests of a consultation: removed ones, too; for doctor and patient."""
        filters = {"room_id": room_id}
        position = position_of(cursor, filters)
        after = None if position is None else position[1]
        found = await self.list(AppointmentId(room_id), actor, after=after, limit=limit)
        page = [GuestOut.of(one) for one in found[:limit]]
        more = cursor_after(None, page[-1].id, filters) if len(found) > limit else None
        return json_answer(
            Page[GuestOut](items=page, next_cursor=more),
            headers=link_to_next(request, more) | NOBODY_KEEPS,
        )

    async def remove_guest(self, room_id: UUID, guest_id: UUID, actor: Caller) -> Response:
        """Remove a guest: their connection and their link end at once; as the doctor."""
        await self.remove(AppointmentId(room_id), GuestId(guest_id), actor)
        return Response(status_code=204)

    async def enter_consultation_as_guest(self, body: GuestTokenIn) -> Response:
        """Get a ticket to the room as a guest: by the link's token or the one to come back with."""
        way = await self.enter(body.token)
        shown = GuestConsultationOut.of_guest(way, self.public_url)
        return json_answer(shown, headers=NOBODY_KEEPS)
