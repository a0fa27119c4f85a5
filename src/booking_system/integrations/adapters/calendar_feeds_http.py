"""Calendar links, and what calendars read by them, over HTTP."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from math import ceil
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Path, Request, Response
from pydantic import BaseModel, Field

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.identity.domain.refusals import RateLimited
from booking_system.integrations.adapters.calendar_writing import calendar_of
from booking_system.integrations.application.keep_calendar_feeds import (
    ListCalendarFeeds,
    MakeCalendarFeed,
    RevokeCalendarFeed,
    ShowCalendarFeed,
    ShowMadeFeed,
)
from booking_system.integrations.application.read_calendar_feed import ReadCalendarFeed
from booking_system.integrations.domain.calendar_feed import (
    CalendarFeed,
    CalendarFeedId,
    Details,
    FeedScope,
)
from booking_system.integrations.domain.refusals import TooManyCalendarFeeds
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import Input, StrictRequest
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
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import DoctorId

ALL = "/v1/calendar-feeds"
ONE = f"{ALL}/{{feed_id}}"
READ = f"{ALL}/{{token}}.ics"
EXAMPLE_ID = "01912d2b-0000-7000-8000-000000000001"
EXAMPLE_URL = f"https://booking.example.com{ALL}/Xb1rT0….ics"
MEDIA_TYPE = "text/calendar"
EXAMPLE = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\n…END:VCALENDAR\r\n"
LONGEST_TAGS = 2000
Caller = Annotated[Actor, Depends(caller)]
Token = Annotated[str, Path(max_length=100, description="Ends the address that was shown once")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=LONGEST_TAGS)]
IfModifiedSince = Annotated[str | None, Header(alias="If-Modified-Since", max_length=100)]


class CalendarFeedIn(Input):
    """Whose calendar a link shows."""

    scope: FeedScope = Field(
        description="`patient`: your own appointments; `doctor`: a doctor's calendar, for the "
        "doctor and the clinic's desk"
    )
    doctor_id: UUID | None = Field(default=None, description="Goes with the scope `doctor`")
    details: Details = Field(
        default=Details.NONE,
        description="What a doctor's calendar says of patients: `initials`, or, for the doctor "
        "alone, `names`",
    )


class CalendarFeedOut(BaseModel):
    """A link that calendars read."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    scope: FeedScope
    doctor_id: UUID | None = Field(examples=[EXAMPLE_ID])
    details: Details
    created_at: datetime = Field(
        description="When the link was made. UTC", examples=["2027-03-01T08:00:00Z"]
    )


class NewCalendarFeedOut(CalendarFeedOut):
    """The same with its secret address, which is shown this once."""

    secret_url: str | None = Field(
        description="Subscribe to it; who has it can read the calendar. Null where the request is "
        "answered again",
        examples=[EXAMPLE_URL],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFeedRoutes:
    """HTTP for calendar feeds; `public_url` is where calendars find them."""

    make: MakeCalendarFeed
    show: ShowCalendarFeed
    show_made: ShowMadeFeed
    list: ListCalendarFeeds
    revoke: RevokeCalendarFeed
    read: ReadCalendarFeed
    public_url: str

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Calendar feeds")
        # Before the one of a link: its address ends otherwise.
        routes.add(
            "GET",
            READ,
            self.download_calendar,
            policy=public,
            answers=None,
            refuses=[NotFound, RateLimited],
            asks_who=False,
            also={304: "Nothing has changed since the answer with that `ETag`, or that time"},
            has_tagged_bytes=True,
            media={MEDIA_TYPE: {"schema": {"type": "string"}, "example": EXAMPLE}},
        )
        routes.add(
            "POST",
            ALL,
            self.create_calendar_feed,
            policy=signed_in,
            status=201,
            answers=NewCalendarFeedOut,
            refuses=[NotFound, NotPermitted, TooManyCalendarFeeds],
            once=InOneTransaction(again=self.show_again),
        )
        routes.add(
            "GET",
            ALL,
            self.list_calendar_feeds,
            policy=signed_in,
            answers=Page[CalendarFeedOut],
            refuses=[InvalidCursor],
        )
        routes.add(
            "GET",
            ONE,
            self.read_calendar_feed,
            policy=signed_in,
            answers=CalendarFeedOut,
            refuses=[NotFound],
        )
        routes.add(
            "DELETE",
            ONE,
            self.revoke_calendar_feed,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[NotFound],
        )
        return routes

    async def create_calendar_feed(self, body: CalendarFeedIn, actor: Caller) -> Response:
        """Make a secret calendar address: a calendar program can subscribe to it.

        It is read without signing in, so give it to your calendar and nobody else. It ends when you
        delete it, and when you lose the role that you made it by. Google and others come some times
        a day only: the confirmation by mail is there sooner.
        """
        made = await self.make(
            scope=body.scope,
            doctor_id=None if body.doctor_id is None else DoctorId(body.doctor_id),
            details=body.details,
            actor=actor,
        )
        url = f"{self.public_url.rstrip('/')}{ALL}/{made.token}.ics"
        shown = NewCalendarFeedOut(**_about(made.feed), secret_url=url)
        headers = {"Location": f"{ALL}/{made.feed.id}", "Cache-Control": "no-store"}
        return making_answer(shown, [made.feed.id], headers=headers)

    async def show_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the link without its address. Raises `NotFound`, `NotPermitted`."""
        feed = await self.show_made(feed_id=CalendarFeedId(made[0]), actor=request.scope["caller"])
        return json_answer(NewCalendarFeedOut(**_about(feed), secret_url=None))

    async def list_calendar_feeds(
        self, request: Request, actor: Caller, limit: Limit = 50, cursor: CursorText = None
    ) -> Response:
        """List your calendar links: the oldest first, without their addresses."""
        place = position_of(cursor, {})
        found = await self.list(after=place and place[1], limit=limit, actor=actor)
        following = cursor_after(None, found[limit - 1].id, {}) if len(found) > limit else None
        items = [CalendarFeedOut(**_about(one)) for one in found[:limit]]
        body = {"items": items, "next_cursor": following}
        return json_answer(body, headers=link_to_next(request, following))

    async def read_calendar_feed(self, feed_id: UUID, actor: Caller) -> Response:
        """Read one of your calendar links: without its address."""
        feed = await self.show(feed_id=CalendarFeedId(feed_id), actor=actor)
        return json_answer(CalendarFeedOut(**_about(feed)))

    async def revoke_calendar_feed(self, feed_id: UUID, actor: Caller) -> Response:
        """Delete a calendar link: its address answers 404 from now on, for ever."""
        await self.revoke(feed_id=CalendarFeedId(feed_id), actor=actor)
        return Response(status_code=204)

    async def download_calendar(
        self,
        token: Token,
        if_none_match: IfNoneMatch = None,
        if_modified_since: IfModifiedSince = None,
    ) -> Response:
        """Download a calendar by its secret address: as iCalendar (RFC 5545, `METHOD:PUBLISH`).

        From thirty days back to the clinic's horizon; what was cancelled within thirty days is told
        as cancelled, so that calendars remove it.
        """
        found = await self.read(token=token)
        tag, changed = f'"{found.digest.hex()}"', _whole_second(found.changed_at)
        headers = {
            "ETag": tag,
            "Last-Modified": format_datetime(changed, usegmt=True),
            "Cache-Control": "private, no-cache",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex",
        }
        if _is_known(tag, changed, if_none_match, if_modified_since):
            return Response(status_code=304, headers=headers)
        # A long calendar takes a part of a second to write: others go on meanwhile.
        body = await asyncio.to_thread(calendar_of, found.content)
        headers["Content-Disposition"] = 'inline; filename="calendar.ics"'
        return Response(body, headers=headers, media_type=f"{MEDIA_TYPE}; charset=utf-8")


def _about(feed: CalendarFeed) -> dict[str, Any]:
    return {name: getattr(feed, name) for name in CalendarFeedOut.model_fields}


def _whole_second(at: datetime) -> datetime:
    return datetime.fromtimestamp(ceil(at.timestamp()), UTC)


def _is_known(tag: str, changed: datetime, tags: str | None, since: str | None) -> bool:
    """Say whether the caller has it; tags count before times (RFC 9110, section 13.2.2)."""
    if tags is not None:
        known = {text.strip().removeprefix("W/") for text in tags.split(",")}
        return tag in known or "*" in known
    if since is None:
        return False
    try:
        told = parsedate_to_datetime(since)
    except ValueError:
        return False
    return told.tzinfo is not None and told >= changed
