"""Days of the calendar over HTTP, with the patients who come."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from booking_system.desk.adapters.day_models import DayOut, day_shown
from booking_system.desk.application.show_day import ShowDay
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import clinic_side
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import NearDay
from booking_system.platform.http.routing import Routes
from booking_system.scheduling.domain.refusals import NonexistentLocalTime
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId

Caller = Annotated[Actor, Depends(caller)]
Which = Annotated[
    NearDay | None,
    Query(
        alias="date",
        description="A day of the clinic's calendar. Default: today, by its clock",
        examples=["2027-03-01"],
    ),
]
NEVER_STORED = {"Cache-Control": "no-store"}
"""There are names of patients in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRoutes:
    """HTTP for days."""

    show: ShowDay

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Bookings")
        for path, endpoint in (
            ("/v1/doctors/{doctor_id}/day", self.read_doctor_day),
            ("/v1/clinics/{clinic_id}/day", self.read_clinic_day),
        ):
            routes.add(
                "GET",
                path,
                endpoint,
                policy=clinic_side,
                answers=DayOut,
                refuses=[NotFound, NotPermitted, NonexistentLocalTime],
            )
        return routes

    async def read_doctor_day(
        self, doctor_id: UUID, actor: Caller, which: Which = None
    ) -> Response:
        """Read a doctor's day: slots, bookings with names of patients, time off and closures.

        For the staff of the clinic and the doctor.
        """
        view = await self.show.of_doctor(doctor_id=DoctorId(doctor_id), day=which, actor=actor)
        return json_answer(day_shown(view), headers=NEVER_STORED)

    async def read_clinic_day(
        self, clinic_id: UUID, actor: Caller, which: Which = None
    ) -> Response:
        """Read the day of a clinic: of all its doctors, for its staff.

        A doctor who was removed is there while somebody still has an appointment with them.
        """
        view = await self.show.of_clinic(clinic_id=ClinicId(clinic_id), day=which, actor=actor)
        return json_answer(day_shown(view), headers=NEVER_STORED)
