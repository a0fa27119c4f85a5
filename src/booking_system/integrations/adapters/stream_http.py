"""A clinic's events as they happen, over server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.integrations.adapters.tail import Tail
from booking_system.integrations.domain.feed import FeedState
from booking_system.platform.http.caller import caller
from booking_system.platform.http.event_stream import Event, EventStream
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.identifiers import ClinicId

Caller = Annotated[Actor, Depends(caller)]
LastSeen = Annotated[
    int | None,
    Header(
        alias="Last-Event-ID",
        ge=0,
        lt=2**62,
        description="The `id` of the last event that was seen: what came since is sent first",
        examples=[4712],
    ),
]
LastSeenInQuery = Annotated[
    int | None,
    Query(
        ge=0,
        lt=2**62,
        description="The same, for clients that cannot send the header",
        examples=[4712],
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRoutes:
    """HTTP for streams of events."""

    tail: Tail

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Events")
        routes.stream(
            "/v1/clinics/{clinic_id}/stream",
            self.stream_clinic,
            policy=signed_in,
            refuses=[NotFound],
        )
        return routes

    async def stream_clinic(
        self,
        clinic_id: UUID,
        actor: Caller,
        last_seen: LastSeen = None,
        last_event_id: LastSeenInQuery = None,
    ) -> EventStream:
        """Follow what happens in a clinic: as server-sent events, for its staff.

        One stream for all that a desk shows: `booking.*`, `slot.*`, `calendar.changed`, and changes
        of clinic, doctors, services and staff, each with `occurred_at` and `data`, which holds ids
        and times; read the rest where it is needed. An event is there about
        a second after it was committed. Come again with the `id` of the last one: nothing is left
        out. After `reset` something may be missing: read anew what is shown. The `EventSource` of
        browsers sends no token: read the stream with `fetch`.
        """
        if not actor.works_at(ClinicId(clinic_id)):
            raise NotFound
        after = last_seen if last_seen is not None else last_event_id
        if after is None:
            # Before the stream is open: what its client reads from then on is not older.
            after = await self.tail.newest()
        return EventStream(self._events(ClinicId(clinic_id), after))

    async def _events(self, clinic_id: ClinicId, after: int) -> AsyncGenerator[Event, None]:
        async with aclosing(self.tail.follow(clinic_id, after)) as followed:
            async for one in followed:
                if isinstance(one, FeedState):
                    yield Event(name="reset", id=str(one.head), data={"epoch": one.epoch})
                else:
                    told = {"occurred_at": one.occurred_at, "data": one.data}
                    yield Event(name=one.name, id=str(one.seq), data=told)
