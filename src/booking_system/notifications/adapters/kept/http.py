"""The message outbox over HTTP, for developers."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public
from booking_system.notifications.adapters.kept.calendar_summary import calendar_summary
from booking_system.notifications.adapters.kept.page import PAGE
from booking_system.notifications.application.show_outbox import ShowOutbox
from booking_system.notifications.domain.kept import KeptMessage
from booking_system.notifications.domain.letter import CalendarPart, Mailbox, PdfFile
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.segments import counted
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.locality import is_from_here
from booking_system.platform.http.pagination import Limit
from booking_system.platform.http.protection import as_page
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotPermitted, Unauthenticated

MaybeCaller = Annotated[Actor | None, Depends(caller)]
To = Annotated[
    str | None,
    Query(
        max_length=320,
        description="Only to this e-mail address or number",
        examples=["priya@example.org"],
    ),
]
EXAMPLE_ID = "01912d2b-0000-7000-8000-000000000001"
NEVER_STORED = {"Cache-Control": "no-store"}


class MailboxOut(BaseModel):
    """An address, with the name beside it."""

    address: str = Field(examples=["priya@example.org"], description="An e-mail address")
    name: str | None = Field(examples=["Priya Sharma"], description="Name beside it; null: none")


class EventSummaryOut(BaseModel):
    """What a calendar part says of its event."""

    method: str = Field(
        examples=["REQUEST"], description="What it is sent for (RFC 5546): `REQUEST` or `CANCEL`"
    )
    uid: str = Field(
        examples=[f"{EXAMPLE_ID}@booking-system"],
        description="Names the event in calendars; it stays when the booking is moved",
    )
    sequence: int = Field(examples=[1], description="Goes up with every change (RFC 5545)")
    status: str = Field(examples=["CONFIRMED"], description="`CONFIRMED`, or `CANCELLED`")
    summary: str = Field(
        examples=["Appointment at Example Clinic"], description="The title in the calendar"
    )
    location: str | None = Field(
        examples=["Example Clinic, 12 Hill Road, Mumbai 400050"],
        description="Where it is; null: not said",
    )
    description: str | None = Field(
        examples=["With Dr. Asha Rao."], description="The text in the calendar; null: none"
    )
    starts_at: datetime = Field(
        description="When the appointment starts. UTC", examples=["2027-03-01T08:30:00Z"]
    )
    ends_at: datetime = Field(
        description="When the appointment ends. UTC", examples=["2027-03-01T09:00:00Z"]
    )
    organizer: str = Field(examples=["clinic@mail.example.com"])
    attendee: str = Field(examples=["priya@example.org"])


class AttachmentOut(BaseModel):
    """A part of an e-mail beside its text and its HTML."""

    filename: str = Field(examples=["invite.ics"], description="What the file is called")
    content_type: str = Field(
        examples=["text/calendar; charset=utf-8; method=REQUEST"],
        description="Media type, with its parameters",
    )
    content: str = Field(
        description="A calendar part as it is, a PDF (`application/pdf`) in base64",
        examples=["BEGIN:VCALENDAR\r\n"],
    )
    event: EventSummaryOut | None = Field(
        description="null: it is a PDF, or a calendar could not read it"
    )


class SegmentsOut(BaseModel):
    """What an SMS costs."""

    alphabet: str = Field(description="`gsm_7` or `ucs_2`", examples=["gsm_7"])
    units: int = Field(
        description="How long the text is: septets of `gsm_7`, 16-bit units of `ucs_2`",
        examples=[147],
    )
    segments: int = Field(examples=[1], description="How many SMS it counts as: each is paid for")


class KeptMessageOut(BaseModel):
    """A message as a provider would have got it."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    message_id: UUID = Field(
        description="The same where a message was sent again", examples=[EXAMPLE_ID]
    )
    channel: Channel = Field(examples=["email"])
    to: str = Field(description="An e-mail address or a number", examples=["priya@example.org"])
    to_name: str | None = Field(
        examples=["Priya Sharma"], description="Name beside the address; null: none"
    )
    sender: MailboxOut | None = Field(description="null: an SMS has that of its provider")
    reply_to: MailboxOut | None = Field(description="Where answers go; null: to the sender")
    subject: str | None = Field(
        description="Subject of the mail; null: an SMS has none", examples=["Your appointment"]
    )
    text: str = Field(examples=["Hello Priya Sharma,"], description="The message as plain text")
    html: str | None = Field(
        description="The mail as HTML: show it in a frame of its own; null: an SMS has none",
        examples=["<!doctype html>"],
    )
    attachments: list[AttachmentOut] = Field(description="The calendar part first, then PDFs")
    unsubscribe_url: str | None = Field(
        examples=["https://booking.example.com/u/abc"],
        description="Where its reader ends such messages with one click; null: not of this kind",
    )
    segments: SegmentsOut | None = Field(
        description="How many SMS the text takes; null: it is an e-mail"
    )
    sent_at: datetime = Field(
        description="When it would have gone to a provider. UTC", examples=["2027-02-28T08:30:00Z"]
    )


class OutboxOut(BaseModel):
    """Messages that were kept instead of being sent, the newest first."""

    items: list[KeptMessageOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRoutes:
    """HTTP for the message outbox; in production there is none (`is_offered` is false)."""

    show: ShowOutbox
    is_offered: bool

    def routes(self) -> Routes:
        """List the operation, and the page that shows messages as a person would see them."""
        routes = Routes("Development")
        if not self.is_offered:
            return routes
        routes.add(
            "GET",
            "/v1/dev/outbox",
            self.read_outbox,
            policy=public,
            knows_caller=True,
            answers=OutboxOut,
            refuses=[Unauthenticated, NotPermitted],
        )
        routes.add(
            "GET",
            "/dev/outbox",
            self.read_outbox_page,
            policy=public,
            answers=None,
            asks_who=False,
            needs_database=False,
            shown=False,
        )
        return routes

    async def read_outbox(
        self, request: Request, actor: MaybeCaller, to: To = None, limit: Limit = 50
    ) -> Response:
        """Read the messages of the last week that were kept, not sent.

        For programs on the machine of the API, which need no token, and for the platform's
        administrators. In production this operation does not exist.
        """
        kept = await self.show(actor=actor, is_here=is_from_here(request), to=to, limit=limit)
        return json_answer({"items": _shown(kept)}, headers=NEVER_STORED)

    async def read_outbox_page(self) -> Response:
        """Show the page; what it shows it asks for itself."""
        answer = Response(PAGE, media_type="text/html", headers=NEVER_STORED)
        # Mails bring styles of their own, and are shown in frames in which nothing runs.
        return as_page(answer, style_src="'unsafe-inline'", connect_src="'self'")


def _shown(kept: Sequence[KeptMessage]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "message_id": one.message_id,
            "channel": one.channel.value,
            "to": one.to.address,
            "to_name": one.to.name,
            "sender": _mailbox(one.sender),
            "reply_to": _mailbox(one.reply_to),
            "subject": one.subject,
            "text": one.text,
            "html": one.html,
            "attachments": _attachments(one),
            "unsubscribe_url": one.unsubscribe_url,
            "segments": _segments(one.text) if one.channel is Channel.SMS else None,
            "sent_at": one.kept_at,
        }
        for one in kept
    ]


def _mailbox(mailbox: Mailbox | None) -> dict[str, Any] | None:
    return None if mailbox is None else {"address": mailbox.address, "name": mailbox.name}


def _attachments(one: KeptMessage) -> list[dict[str, Any]]:
    calendar = [] if one.calendar is None else [_calendar(one.calendar)]
    return [*calendar, *map(_document, one.documents)]


def _document(file: PdfFile) -> dict[str, Any]:
    return {
        "filename": file.filename,
        "content_type": "application/pdf",
        "content": b64encode(file.content).decode("ascii"),
        "event": None,
    }


def _calendar(part: CalendarPart) -> dict[str, Any]:
    return {
        "filename": "invite.ics",
        "content_type": f"text/calendar; charset=utf-8; method={part.method.value}",
        "content": part.content.decode("utf-8", "replace"),
        "event": calendar_summary(part),
    }


def _segments(text: str) -> dict[str, Any]:
    size = counted(text)
    return {"alphabet": size.alphabet.value, "units": size.units, "segments": size.segments}
