"""The feed of events over HTTP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import clinic_side
from booking_system.integrations.application.read_feed import ReadFeed
from booking_system.integrations.domain.feed import FeedEvent, FeedPage
from booking_system.integrations.domain.refusals import FeedReset
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.pagination import Limit
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId

Caller = Annotated[Actor, Depends(caller)]
After = Annotated[
    int,
    Query(
        ge=0,
        lt=2**63,
        description="`next_after` of the answer before; 0: from the first event that is kept",
        examples=[4711],
    ),
]
Epoch = Annotated[
    UUID | None,
    Query(description="`epoch` of the first answer: a database that was set back is noticed"),
]
OfClinic = Annotated[
    UUID | None,
    Query(description="Events of this clinic; only the platform's administrators leave it out"),
]
EXAMPLE_ID = "01912d2b-0000-7000-8000-000000000001"
NEVER_STORED = {"Cache-Control": "no-store"}


class EventOut(BaseModel):
    """Something that happened."""

    seq: int = Field(description="Its number in the feed", examples=[4712])
    id: UUID = Field(description="The same wherever this event is told", examples=[EXAMPLE_ID])
    name: str = Field(examples=["booking.created"])
    clinic_id: UUID | None = Field(
        description="Id of the clinic in which it happened; null: it is no clinic's",
        examples=[EXAMPLE_ID],
    )
    occurred_at: datetime = Field(
        description="When it happened. UTC", examples=["2027-03-01T08:00:00Z"]
    )
    data: dict[str, Any] = Field(
        description="Ids and times. Of an appointment: `version` counts its changes, `revision` "
        "those that people are told of",
        examples=[{"appointment_id": EXAMPLE_ID, "version": 1, "revision": 1}],
    )


class EventsOut(BaseModel):
    """Events in the order in which they were committed."""

    epoch: UUID = Field(description="Names the history of the database", examples=[EXAMPLE_ID])
    items: list[EventOut]
    next_after: int = Field(description="Pass as `after` next time", examples=[4712])
    head: int = Field(description="The number of the newest event of all", examples=[4712])


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRoutes:
    """HTTP for the feed."""

    read: ReadFeed

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Events")
        routes.add(
            "GET",
            "/v1/events",
            self.list_events,
            policy=clinic_side,
            answers=EventsOut,
            refuses=[NotPermitted, FeedReset],
        )
        return routes

    async def list_events(
        self,
        actor: Caller,
        limit: Limit = 100,
        after: After = 0,
        epoch: Epoch = None,
        clinic_id: OfClinic = None,
    ) -> Response:
        """Read what has happened, in order, from a number on: nothing is left out, nothing twice.

        For administrators: of a clinic its events, of the platform those of all clinics, without
        the ids of patients. Ask again with `next_after`, once a second or less often where `items`
        was empty.
        """
        page = await self.read(
            actor=actor,
            clinic_id=None if clinic_id is None else ClinicId(clinic_id),
            epoch=epoch,
            after=after,
            limit=limit,
        )
        return json_answer(_shown(page), headers=NEVER_STORED)


def _shown(page: FeedPage) -> dict[str, Any]:
    return {
        "epoch": page.state.epoch,
        "items": [_event(one) for one in page.events],
        "next_after": page.next_after,
        "head": page.state.head,
    }


def _event(one: FeedEvent) -> dict[str, Any]:
    return {
        "seq": one.seq,
        "id": one.id,
        "name": one.name,
        "clinic_id": one.clinic_id,
        "occurred_at": one.occurred_at,
        "data": one.data,
    }
