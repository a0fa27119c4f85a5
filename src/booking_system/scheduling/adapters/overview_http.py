"""Overviews of what is free, over HTTP."""

from dataclasses import dataclass
from datetime import date as CalendarDay  # noqa: N812  (a field has the name of the type)
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field

from booking_system.directory.records.summaries import DoctorSummary
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import Instant, NearDay
from booking_system.platform.http.routing import Routes
from booking_system.scheduling.adapters.slot_filters import FilterReading, slot_filters
from booking_system.scheduling.application.overview_slots import FindNext, ShowCalendar
from booking_system.scheduling.domain.overview import CalendarSearch, NextSearch
from booking_system.scheduling.records.slot_shown import SlotOut
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound

Filters = Annotated[dict[str, Any], Depends(slot_filters)]
Anybody = Annotated[Actor | None, Depends(caller)]


class SoonestDoctorOut(BaseModel):
    """A doctor with their first bookable time slots."""

    doctor: DoctorSummary
    slots: list[SlotOut] = Field(description="In time order, at least one")


class SoonestDoctorsOut(BaseModel):
    """The doctors who have time first."""

    items: list[SoonestDoctorOut] = Field(
        description="Doctors with their next open slots; the doctor with the"
        " soonest one comes first"
    )


class OpenDayOut(BaseModel):
    """One day on the clinic's calendar."""

    date: CalendarDay = Field(examples=["2027-03-01"])
    open_slots: int = Field(
        description="How many slots of that day could be booked now", examples=[7]
    )
    first_starts_at: datetime | None = Field(
        description="When the first of them starts. UTC; null: there is none",
        examples=["2027-03-01T08:00:00Z"],
    )


class CalendarOut(BaseModel):
    """The days of a calendar."""

    days: list[OpenDayOut] = Field(description="All of the range, in order")


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRoutes:
    """HTTP for overviews; their paths have to be known before that of a single slot."""

    filters: FilterReading
    next: FindNext
    calendar: ShowCalendar
    clock: Clock

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Slots")
        routes.add(
            "GET",
            "/v1/slots/next",
            self.find_next_slots,
            policy=public,
            answers=SoonestDoctorsOut,
            refuses=[NotFound],
            knows_caller=True,
        )
        routes.add(
            "GET",
            "/v1/slots/calendar",
            self.read_slot_calendar,
            policy=public,
            answers=CalendarOut,
            refuses=[NotFound],
            knows_caller=True,
        )
        return routes

    async def find_next_slots(
        self,
        *,
        filters: Filters,
        actor: Anybody,
        after: Annotated[
            Instant | None,
            Query(description="Slots that start at or after this instant; default: now"),
        ] = None,
        per_doctor: Annotated[int, Query(ge=1, le=20)] = 1,
        limit: Annotated[int, Query(ge=1, le=50, description="How many doctors at most")] = 20,
    ) -> Response:
        """Find who has time first: the soonest doctors, each with their first bookable slots.

        How far ahead is looked is each clinic's own horizon.
        """
        search = NextSearch(
            after=after or self.clock.now(),
            limit=limit,
            per_doctor=per_doctor,
            **await self.filters.wanted(filters, actor),
        )
        items = []
        for one in await self.next(search=search):
            slots = [slot.as_shown() for slot in one.slots]
            items.append({"doctor": slots[0]["doctor"], "slots": slots})
        return json_answer({"items": items}, headers=self._headers(filters))

    async def read_slot_calendar(
        self,
        *,
        filters: Filters,
        actor: Anybody,
        since: Annotated[
            NearDay | None, Query(alias="from", description="A day of the clinic. Default: today")
        ] = None,
        until: Annotated[
            NearDay | None, Query(alias="to", description="Default: 31 days later; at most 62")
        ] = None,
    ) -> Response:
        """Count the bookable slots of each local day: for a month view.

        Name a doctor or a clinic, or the booking that is to be moved.
        """
        if not any(filters[name] for name in ("doctor_id", "clinic_id", "booking_id")):
            raise Invalid.field("/doctor_id", "name a doctor or a clinic", "one_of")
        search = CalendarSearch(
            first=since, until=until, **await self.filters.wanted(filters, actor)
        )
        days = [
            {
                "date": one.day,
                "open_slots": one.open_slots,
                "first_starts_at": one.first_starts_at,
            }
            for one in await self.calendar(search=search)
        ]
        return json_answer({"days": days}, headers=self._headers(filters))

    def _headers(self, filters: dict[str, Any]) -> dict[str, str]:
        """A slot may be gone in the next moment."""
        kept = "private, no-cache" if self.filters.is_own(filters) else "no-cache"
        return {"Cache-Control": kept}
