"""Sessions of a clinic's staff over HTTP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel, Field

from booking_system.directory.application.staff_sessions import EndStaffSessions, ListStaffSessions
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
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
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, SessionId, UserId

Caller = Annotated[Actor, Depends(caller)]
SESSIONS = "/v1/clinics/{clinic_id}/staff/{user_id}/sessions"


class StaffSessionOut(BaseModel):
    """One sign-in of a member of the staff on one device; never from where."""

    id: UUID = Field(examples=["0192f0c1-2b3c-7d4e-8f50-617283940030"])
    created_at: datetime = Field(
        description="When somebody signed in there. UTC", examples=["2027-03-01T08:00:00Z"]
    )
    last_used_at: datetime = Field(description="When its tokens were last renewed. UTC")
    user_agent: str | None = Field(description="What the device said of itself")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSessionRoutes:
    """HTTP for the sessions of staff."""

    list: ListStaffSessions
    end: EndStaffSessions

    def routes(self) -> Routes:
        """List the operations."""
        routes, usual = Routes("Clinics"), [NotFound, NotPermitted]
        routes.add(
            "GET",
            SESSIONS,
            self.list_staff_sessions,
            policy=signed_in,
            answers=Page[StaffSessionOut],
            refuses=[*usual, InvalidCursor],
        )
        routes.add(
            "DELETE",
            SESSIONS,
            self.end_staff_sessions,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=usual,
        )
        routes.add(
            "DELETE",
            f"{SESSIONS}/{{session_id}}",
            self.end_staff_session,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=usual,
        )
        return routes

    async def list_staff_sessions(  # noqa: PLR0913, PLR0917
        self,
        request: Request,
        clinic_id: UUID,
        user_id: UUID,
        actor: Caller,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the sessions of a member of staff: those that could still be used, newest first.

        Somebody who works for several clinics, or is a patient as well, has one account: all its
        sessions are listed.
        """
        filters = {"clinic_id": clinic_id, "user_id": user_id}
        found = await self.list(
            clinic_id=ClinicId(clinic_id),
            user_id=UserId(user_id),
            actor=actor,
            after=position_of(cursor, filters),
            limit=limit,
        )
        following = None
        if len(found) > limit:
            last = found[limit - 1]
            following = cursor_after(last.created_at, last.id, filters)
        page = Page[StaffSessionOut](
            items=[
                StaffSessionOut.model_validate(one, from_attributes=True) for one in found[:limit]
            ],
            next_cursor=following,
        )
        return json_answer(page, headers=link_to_next(request, following))

    async def end_staff_sessions(self, clinic_id: UUID, user_id: UUID, actor: Caller) -> Response:
        """Sign a member of staff out on all devices: within a second, they sign in again."""
        await self.end(clinic_id=ClinicId(clinic_id), user_id=UserId(user_id), actor=actor)
        return Response(status_code=204)

    async def end_staff_session(
        self, clinic_id: UUID, user_id: UUID, session_id: UUID, actor: Caller
    ) -> Response:
        """Sign a member of staff out on one device: within a second."""
        await self.end(
            clinic_id=ClinicId(clinic_id),
            user_id=UserId(user_id),
            session_id=SessionId(session_id),
            actor=actor,
        )
        return Response(status_code=204)
