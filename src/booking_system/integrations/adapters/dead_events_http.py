"""Events that a consumer could not take, over HTTP: for the operator."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from booking_system.identity.domain.policies import platform_admin
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import Limit
from booking_system.platform.http.routing import Routes
from booking_system.platform.postgres.dead_events import DEAD, WANT_AGAIN
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.errors import NotFound, NotPermitted

Seq = Annotated[int, Path(ge=1, le=2**53)]
Name = Annotated[str, Path(max_length=100)]
After = Annotated[
    int,
    Query(
        ge=0,
        le=2**53,
        description="Go on behind the event with this `seq`, the last of the page before",
    ),
]


class DeadEventOut(BaseModel):
    """An event whose effect is missing; `seq` is its number in the feed."""

    consumer: str = Field(examples=["messages"])
    seq: int = Field(examples=[4711])
    id: UUID
    name: str = Field(
        examples=["booking.created"], description="The kind of event, like `booking.created`"
    )
    clinic_id: UUID | None = Field(description="Id of the clinic; null: it is no clinic's")
    occurred_at: datetime = Field(description="When it happened. UTC")
    error: str = Field(
        description="Name of the error that the consumer failed with; its text is not told",
        examples=["KeyError"],
    )
    died_at: datetime = Field(description="When it had failed as often as it is tried. UTC")
    wanted_again: bool = Field(description="It will be tried again within seconds")


class DeadEventsOut(BaseModel):
    """Dead events by their numbers; go on behind the last `seq` for more."""

    items: list[DeadEventOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEventRoutes:
    """HTTP for dead events."""

    database: Database

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Events")
        routes.add(
            "GET",
            "/v1/dead-events",
            self.list_dead_events,
            policy=platform_admin,
            answers=DeadEventsOut,
            refuses=[NotPermitted],
        )
        routes.add(
            "POST",
            "/v1/dead-events/{consumer}/{seq}/retry",
            self.retry_dead_event,
            policy=platform_admin,
            status=204,
            answers=None,
            refuses=[NotFound, NotPermitted],
            once=InOneTransaction(),
        )
        return routes

    async def list_dead_events(self, after: After = 0, limit: Limit = 50) -> Response:
        """List events that a consumer gave up on."""
        async with self.database.reading() as connection:
            rows = await DEAD.fetch(connection, after=after, most=limit)
        items = [DeadEventOut.model_validate(dict(row)) for row in rows]
        return json_answer(DeadEventsOut(items=items))

    async def retry_dead_event(self, consumer: Name, seq: Seq) -> Response:
        """Have a dead event tried again: once, by the next worker, when the cause is mended."""
        async with self.database.driver_transaction() as connection:
            found = await WANT_AGAIN.fetchval(connection, consumer=consumer, seq=seq)
        if found is None:
            raise NotFound
        return Response(status_code=204)
