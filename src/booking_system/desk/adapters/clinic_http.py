"""Changes of clinics over HTTP: calendars and appointments follow the clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field

from booking_system.desk.adapters.absence_answers import DryRun
from booking_system.desk.adapters.conflict_models import BookingsProblem
from booking_system.desk.application.change_clinic import Calendars, ChangeClinic, ClinicChange
from booking_system.desk.domain.refusals import BookingsAffected
from booking_system.directory.domain.refusals import SlugTaken
from booking_system.directory.records.clinic_models import ClinicChangeIn, ClinicOut
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import ClinicId

Caller = Annotated[Actor, Depends(caller)]
Keep = Annotated[
    Literal["keep"] | None,
    Query(
        description="With another time zone: what becomes of appointments that would begin at"
        " another time by the clock; unset: `409` where there are any"
    ),
]


class MovedBookingOut(BaseModel):
    """An appointment that stays at its instant, at which the clinic's clock shows another time."""

    id: UUID
    time_slot_id: UUID
    starts_at: datetime = Field(
        description="When the booking starts, the same instant as before. UTC",
        examples=["2027-03-01T08:00:00Z"],
    )
    wall_was: str = Field(
        description="By the clock of before, without an offset", examples=["2027-03-01T09:00:00"]
    )
    wall_is: str = Field(
        description="By the clock of now, without an offset", examples=["2027-03-01T08:00:00"]
    )


class ChangedClinicOut(ClinicOut):
    """A clinic, and what a change has done to its calendars."""

    tax_number: str | None = Field(
        description="As receipts show it; only here", examples=["DE123456789"]
    )
    calendars: Calendars | None = Field(
        description="Whether they follow another time zone, or a farther horizon, by"
        " now or within seconds; null: there is nothing to follow",
        examples=[None],
    )
    moved_bookings: list[MovedBookingOut] = Field(
        description="By start; the first ten thousand", examples=[[]]
    )
    moved_count: int = Field(
        description="How many bookings to come show another local time now", examples=[0]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicChangeRoutes:
    """HTTP for changes of clinics."""

    change: ChangeClinic

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Clinics")
        routes.add(
            "PATCH",
            "/v1/clinics/{clinic_id}",
            self.change_clinic,
            policy=signed_in,
            answers=ChangedClinicOut,
            refuses=[NotFound, NotPermitted, Stale, SlugTaken, BookingsAffected],
            problems={409: BookingsProblem},
        )
        return routes

    async def change_clinic(  # noqa: PLR0913
        self,
        clinic_id: UUID,
        body: ClinicChangeIn,
        actor: Caller,
        *,
        dry_run: DryRun = False,
        on_conflict: Keep = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Change a clinic or its policy. What the body does not name stays as it is.

        With another `time_zone` the calendars are planned anew, closures follow their dates,
        and appointments stay at their instants. With `dry_run` the answer is the clinic as it
        would be.
        """
        done = await self.change(
            clinic_id=ClinicId(clinic_id),
            changes=body.changes(),
            version=expected_version(if_match),
            dry_run=dry_run,
            keep=on_conflict is not None,
            actor=actor,
        )
        return _shown(done)


def _shown(done: ClinicChange) -> Response:
    shown = ClinicOut.of(done.clinic).model_dump()
    shown["tax_number"] = done.clinic.tax_number
    shown["calendars"] = done.calendars
    shown["moved_count"] = done.moved_count
    shown["moved_bookings"] = [
        {
            "id": one.id,
            "time_slot_id": one.time_slot_id,
            "starts_at": one.starts_at,
            "wall_was": one.wall_was.isoformat(),
            "wall_is": one.wall_is.isoformat(),
        }
        for one in done.moved_bookings
    ]
    return json_answer(shown, headers={"ETag": etag_of(done.clinic.version)})
