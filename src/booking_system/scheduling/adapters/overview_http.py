"""Overviews of what is free, over HTTP."""

from dataclasses import dataclass
from datetime import date as CalendarDay  # noqa: N812  (a field has the name of the type)
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field

from booking_system.identity.domain.policies import public
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.input import Instant, NearDay, ShortText
from booking_system.platform.http.routing import Routes
from booking_system.scheduling.adapters.models import DoctorSummary, SlotOut
from booking_system.scheduling.application.overview_slots import FindNext, ShowCalendar
from booking_system.scheduling.domain.overview import CalendarSearch, NextSearch
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, ServiceId
from booking_system.shared_kernel.mode import Mode


class SoonestDoctorOut(BaseModel):
    """A doctor with their first bookable time slots."""

    doctor: DoctorSummary
    slots: list[SlotOut] = Field(description="In time order, at least one")


class SoonestDoctorsOut(BaseModel):
    """The doctors who have time first."""

    items: list[SoonestDoctorOut] = Field(description="The soonest first")


class OpenDayOut(BaseModel):
    """One day on the clinic's calendar."""

    date: CalendarDay = Field(examples=["2027-03-01"])
    open_slots: int = Field(description="That could be booked now", examples=[7])
    first_starts_at: datetime | None = Field(
        description="UTC; null: there is none", examples=["2027-03-01T08:00:00Z"]
    )


class CalendarOut(BaseModel):
    """The days of a calendar."""

    days: list[OpenDayOut] = Field(description="All of the range, in order")


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRoutes:
    """HTTP for overviews; their paths have to be known before that of a single slot."""

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
        )
        routes.add(
            "GET",
            "/v1/slots/calendar",
            self.read_slot_calendar,
            policy=public,
            answers=CalendarOut,
            refuses=[NotFound],
        )
        return routes

    async def find_next_slots(  # noqa: PLR0913
        self,
        *,
        clinic_id: UUID | None = None,
        service_id: UUID | None = None,
        specialty: ShortText | None = None,
        language: ShortText | None = None,
        mode: Mode | None = None,
        after: Annotated[Instant | None, Query(description="Default: now")] = None,
        per_doctor: Annotated[int, Query(ge=1, le=20)] = 1,
        limit: Annotated[int, Query(ge=1, le=50, description="Doctors")] = 20,
    ) -> Response:
        """Find who has time first: the soonest doctors, each with their first bookable slots."""
        search = NextSearch(
            after=after or self.clock.now(),
            clinic_id=None if clinic_id is None else ClinicId(clinic_id),
            service_id=None if service_id is None else ServiceId(service_id),
            specialty=specialty,
            language=language,
            mode=mode,
            limit=limit,
            per_doctor=per_doctor,
        )
        items = []
        for one in await self.next(search=search):
            slots = [slot.as_shown() for slot in one.slots]
            items.append({"doctor": slots[0]["doctor"], "slots": slots})
        return json_answer({"items": items}, headers=FRESH)

    async def read_slot_calendar(  # noqa: PLR0913
        self,
        *,
        doctor_id: Annotated[UUID | None, Query(description="Either this or `clinic_id`")] = None,
        clinic_id: UUID | None = None,
        service_id: UUID | None = None,
        mode: Mode | None = None,
        since: Annotated[
            NearDay | None, Query(alias="from", description="A day of the clinic. Default: today")
        ] = None,
        until: Annotated[
            NearDay | None, Query(alias="to", description="Default: 31 days later; at most 62")
        ] = None,
    ) -> Response:
        """Count the bookable slots of each local day, for a month view."""
        if (doctor_id is None) == (clinic_id is None):
            raise Invalid.field("/doctor_id", "name either a doctor or a clinic", "one_of")
        search = CalendarSearch(
            doctor_id=None if doctor_id is None else DoctorId(doctor_id),
            clinic_id=None if clinic_id is None else ClinicId(clinic_id),
            service_id=None if service_id is None else ServiceId(service_id),
            mode=mode,
            first=since,
            until=until,
        )
        days = [
            {
                "date": one.day,
                "open_slots": one.open_slots,
                "first_starts_at": one.first_starts_at,
            }
            for one in await self.calendar(search=search)
        ]
        return json_answer({"days": days}, headers=FRESH)


FRESH = {"Cache-Control": "no-cache"}
"""A slot may be gone in the next moment."""
