"""Messages of an appointment, and the link that ends reminders, over HTTP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response
from pydantic import BaseModel, Field

from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.notifications.adapters.unsubscribing import PATH, UnsubscribeLinks
from booking_system.notifications.application.preferences import StopReminders
from booking_system.notifications.application.show_messages import ShowMessages, Told
from booking_system.notifications.domain.message import Channel, Kind, State
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.identifiers import AppointmentId

Caller = Annotated[Actor, Depends(caller)]
UNDER_WAY = frozenset({State.CLAIMED, State.SENDING})
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Reminders</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}}
button{{font:inherit;padding:.4rem 1rem}}</style>
<main><h1>Reminders</h1>{content}</main></html>"""
ASKING = """<p>Do you want no more reminders of your appointments? You will still be told when an
appointment is booked, moved or cancelled.</p>
<form method="post"><button name="List-Unsubscribe" value="One-Click">No more reminders</button>
</form>"""
DONE = "<p>You will get no more reminders. Your clinic can switch them on again for you.</p>"


class MessageOut(BaseModel):
    """One message: planned, sent, or why not. Times in UTC."""

    id: UUID
    kind: Kind = Field(
        examples=["reminder"], description="What the message tells; its words follow from that"
    )
    channel: Channel = Field(examples=["sms"])
    recipient: str = Field(description="`patient` or `clinic`", examples=["patient"])
    about_id: UUID | None = Field(
        description="The payment, refund or open matter that a message about money is about"
    )
    revision: int = Field(
        description="Of the appointment, when this was planned; 0 where there is an `about_id`"
    )
    offset_minutes: int = Field(
        description="A reminder's: so long before the start. Of an answer to an SMS: so long before"
        " the start somebody wrote. Else 0"
    )
    state: State = Field(examples=["sent"])
    reason: str | None = Field(
        description="Why it was skipped, withdrawn, or has failed", examples=["opted_out"]
    )
    error_code: str | None = Field(
        description="The provider's own code; null: it gave none, or nothing failed",
        examples=["21614"],
    )
    provider: str | None = Field(examples=["twilio"])
    planned_at: datetime
    due_at: datetime
    ended_at: datetime | None = Field(description="When it was sent, or it was clear it would not")
    attempts: int

    @classmethod
    def of(cls, told: Told) -> "MessageOut":
        """Show it; who has it at hand is nobody's business."""
        shown = cls.model_validate(told, from_attributes=True)
        return shown.model_copy(update={"state": State.SENDING}) if _is_on(told) else shown


def _is_on(told: Told) -> bool:
    return told.state in UNDER_WAY


class MessagesOut(BaseModel):
    """All messages of an appointment."""

    items: list[MessageOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRoutes:
    """HTTP for messages."""

    show: ShowMessages
    stop: StopReminders
    links: UnsubscribeLinks

    def routes(self) -> Routes:
        """List the operations, and the page behind the link of a mail."""
        routes, link = Routes("Notifications"), f"{PATH}/{{token}}"
        routes.add(
            "GET",
            "/v1/bookings/{booking_id}/notifications",
            self.list_booking_notifications,
            policy=signed_in,
            answers=MessagesOut,
            refuses=[AppointmentNotFound],
        )
        routes.add(
            "GET",
            link,
            self.show_unsubscribe_page,
            policy=public,
            asks_who=False,
            answers=None,
            needs_database=False,
            shown=False,
        )
        routes.add(
            "POST",
            link,
            self.unsubscribe,
            policy=public,
            asks_who=False,
            answers=None,
            shown=False,
        )
        return routes

    async def list_booking_notifications(self, booking_id: UUID, actor: Caller) -> Response:
        """List the messages of a booking: planned, sent or skipped, and why, in order of time."""
        told = await self.show(appointment_id=AppointmentId(booking_id), actor=actor)
        return json_answer(MessagesOut(items=[MessageOut.of(one) for one in told]))

    async def show_unsubscribe_page(self, token: str) -> Response:
        """Ask whether reminders are to end: programs that look at links press no button."""
        if self.links.patient_of(token) is None:
            raise NotFound
        return _page(ASKING)

    async def unsubscribe(self, token: str) -> Response:
        """End a patient's reminders with one click (RFC 8058, section 3.1), without a sign-in."""
        patient_id = self.links.patient_of(token)
        if patient_id is None:
            raise NotFound
        await self.stop(patient_id)
        return _page(DONE)


def _page(content: str) -> Response:
    answer = Response(
        PAGE.format(content=content),
        media_type="text/html",
        headers={"Cache-Control": "no-store"},
    )
    return as_page(answer, style_src="'unsafe-inline'", form_action="'self'")
