"""Live slots over server-sent events, for booking pages."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from booking_system.identity.domain.policies import public
from booking_system.integrations.adapters.live_looks import SlotLooks
from booking_system.integrations.adapters.live_pages import Here, Told
from booking_system.integrations.adapters.live_slots import LiveSlots
from booking_system.integrations.adapters.stream_http import LastSeen, LastSeenInQuery
from booking_system.integrations.domain.live_slots import SlotState, Wanted
from booking_system.platform.http.event_stream import Event, EventStream
from booking_system.platform.http.input import Instant
from booking_system.platform.http.routing import Routes
from booking_system.scheduling.domain.search import SlotFilter, search_range
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, ServiceId

Unknown = Callable[[SlotFilter], Awaitable[Sequence[str]]]
"""Names the filters whose id is of nothing that there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSlotRoutes:
    """HTTP for live slots."""

    live: LiveSlots
    looks: SlotLooks
    unknown: Unknown
    clock: Clock

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Slots")
        routes.stream("/v1/slots/stream", self.stream_slots, policy=public)
        return routes

    async def stream_slots(  # noqa: PLR0913
        self,
        *,
        clinic_id: UUID | None = None,
        doctor_id: UUID | None = None,
        service_id: Annotated[
            UUID | None, Query(description="Slots in which this could begin")
        ] = None,
        since: Annotated[
            Instant | None,
            Query(
                alias="from", description="Slots that start at or after this instant; default: now"
            ),
        ] = None,
        until: Annotated[
            Instant | None, Query(alias="to", description="Default: 7 days later; at most 62")
        ] = None,
        last_seen: LastSeen = None,
        last_event_id: LastSeenInQuery = None,
    ) -> EventStream:
        """Follow which slots can be booked: of a clinic or a doctor, as server-sent events.

        Open the stream, then read `GET /v1/slots` with the same filters, then follow: each `slot`
        has `id`, `doctor_id`, `starts_at`, `ends_at` and `status`, which is `open` or `gone` as the
        search would answer anybody at that instant; by whom it was taken is told to nobody. A slot
        may be told again although nothing changed. After `reset` read anew what you show of
        `doctor_id` (null: of all) `from` and `to` (null: without a bound). `place` says only where
        you are. Come again with the last `id`: what changed meanwhile comes first, or `reset`. Name
        `clinic_id` or `doctor_id`.
        """
        named = SlotFilter(
            clinic_id=None if clinic_id is None else ClinicId(clinic_id),
            doctor_id=None if doctor_id is None else DoctorId(doctor_id),
            service_id=None if service_id is None else ServiceId(service_id),
        )
        wanted = Wanted(
            clinic_id=await self._clinic_of(named),
            doctor_id=named.doctor_id,
            service_id=named.service_id,
            period=search_range(since, until, now=self.clock.now()),
        )
        after = last_seen if last_seen is not None else last_event_id
        return EventStream(self._events(wanted, after))

    async def _clinic_of(self, named: SlotFilter) -> ClinicId:
        """Return whose slots they are. Raises `Invalid` for what names nothing that there is."""
        if named.clinic_id is None and named.doctor_id is None:
            raise Invalid.field("/clinic_id", "name a clinic or a doctor", "one_of")
        unknown = set(await self.unknown(named))
        clinic_id = named.clinic_id
        if clinic_id is None and named.doctor_id is not None:
            clinic_id = await self.looks.clinic_of(named.doctor_id)
            unknown |= {"doctor_id"} if clinic_id is None else set()
        if unknown or clinic_id is None:
            raise Invalid(
                errors=[
                    {
                        "pointer": f"/{name}",
                        "detail": "names nothing that there is",
                        "code": "unknown",
                    }
                    for name in sorted(unknown)
                ]
            )
        return clinic_id

    async def _events(self, wanted: Wanted, after: int | None) -> AsyncGenerator[Event, None]:
        async with aclosing(self.live.follow(wanted, after)) as followed:
            async for told, seq in followed:
                yield _event(told, None if seq is None else str(seq))


def _event(told: Told, place: str | None) -> Event:
    if isinstance(told, Here):
        return Event(name="place", id=place, data={})
    if isinstance(told, SlotState):
        slot: dict[str, Any] = {
            "id": told.id,
            "doctor_id": told.doctor_id,
            "starts_at": told.starts_at,
            "ends_at": told.ends_at,
            "status": "open" if told.is_open else "gone",
        }
        return Event(name="slot", id=place, data=slot)
    reset = {"doctor_id": told.doctor_id, "from": told.since, "to": told.until}
    return Event(name="reset", id=place, data=reset)
