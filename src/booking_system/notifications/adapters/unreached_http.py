"""Whom no message has reached, over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel, Field

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.notifications.application.show_unreached import (
    Missed,
    ShowUnreached,
    Unreached,
)
from booking_system.notifications.domain.message import Channel, Kind, State
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
from booking_system.shared_kernel.identifiers import ClinicId

Caller = Annotated[Actor, Depends(caller)]
EXAMPLE_ID = "01912d2b-0000-7000-8000-000000000001"
PATH = "/v1/clinics/{clinic_id}/unreached-bookings"


class MissedOut(BaseModel):
    """A message that reached nobody."""

    kind: Kind = Field(examples=["reminder"], description="What the message was to tell")
    channel: Channel = Field(examples=["email"])
    state: State = Field(description="`failed` or `skipped`", examples=["skipped"])
    reason: str | None = Field(
        description="Why it did not arrive; null: no reason is known", examples=["bounced"]
    )
    error_code: str | None = Field(
        description="The provider's own code; null: it gave none", examples=["550 5.1.1"]
    )
    ended_at: datetime = Field(description="When it was given up. UTC")

    @classmethod
    def of(cls, missed: Missed) -> Self:
        """Show it."""
        return cls.model_validate(missed, from_attributes=True)


class UnreachedOut(BaseModel):
    """A coming booking whose patient was not told something, by no channel. Times in UTC."""

    id: UUID = Field(
        description="Id of the booking that somebody was not told of", examples=[EXAMPLE_ID]
    )
    starts_at: datetime
    status: AppointmentStatus = Field(examples=["confirmed"])
    doctor_id: UUID
    patient_id: UUID
    patient_name: str = Field(examples=["Example Patient"])
    phone: str | None = Field(
        description="The patient's telephone number (E.164), to call them; null: none is known",
        examples=["+49301234567"],
    )
    email: str | None = Field(examples=["patient@example.com"])
    messages: list[MissedOut] = Field(description="What did not reach them")

    @classmethod
    def of(cls, unreached: Unreached) -> Self:
        """Show it."""
        names: Mapping[str, Any] = {
            name: getattr(unreached, name)
            for name in cls.model_fields
            if name not in {"id", "messages"}
        }
        messages = [MissedOut.of(one) for one in unreached.missed]
        return cls(id=unreached.appointment_id, messages=messages, **names)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreachedRoutes:
    """HTTP for whom to telephone."""

    show: ShowUnreached

    def routes(self) -> Routes:
        """List the operation."""
        routes = Routes("Notifications")
        routes.add(
            "GET",
            PATH,
            self.list_unreached_bookings,
            policy=signed_in,
            answers=Page[UnreachedOut],
            refuses=[NotFound, NotPermitted, InvalidCursor],
        )
        return routes

    async def list_unreached_bookings(
        self,
        request: Request,
        clinic_id: UUID,
        actor: Caller,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List coming bookings whose patients could not be reached: please telephone.

        What was given up, or skipped for the sake of an address, and did not go another way; of the
        booking as it is now. The soonest first; for staff of the clinic.
        """
        filters = {"clinic_id": clinic_id}
        found = await self.show(
            clinic_id=ClinicId(clinic_id),
            behind=position_of(cursor, filters),
            limit=limit,
            actor=actor,
        )
        following = None
        if len(found) > limit:
            last = found[limit - 1]
            following = cursor_after(last.starts_at, last.appointment_id, filters)
        body = {"items": [UnreachedOut.of(one) for one in found[:limit]], "next_cursor": following}
        return json_answer(body, headers=link_to_next(request, following))
