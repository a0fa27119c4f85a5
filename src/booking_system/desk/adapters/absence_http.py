"""Time off over HTTP: appointments decide whether it may be."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.desk.adapters.absence_answers import (
    DryRun,
    absence_page,
    one_absence,
)
from booking_system.desk.adapters.absence_models import (
    AbsencePreviewOut,
    ChangedTimeOffOut,
    TimeOffChangeIn,
    TimeOffIn,
    TimeOffOut,
    previewed,
)
from booking_system.desk.adapters.conflict_models import BookingsProblem
from booking_system.desk.adapters.removal_http import Conflicts
from booking_system.desk.application.change_absence import ChangeTimeOff
from booking_system.desk.application.preview_absence import PreviewAbsence
from booking_system.desk.application.read_absences import ReadAbsences
from booking_system.desk.application.take_time_off import EndTimeOff, TakeTimeOff
from booking_system.desk.domain.refusals import BookingsAffected
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import clinic_side
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, expected_version
from booking_system.platform.http.input import Instant
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.scheduling.domain.absence import AbsencePage
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import DoctorId, TimeOffId

Caller = Annotated[Actor, Depends(caller)]
Since = Annotated[
    Instant | None, Query(alias="from", description="Absences that end after this instant")
]
Before = Annotated[
    Instant | None, Query(alias="to", description="Absences that start before this instant")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOffRoutes:
    """HTTP for time off."""

    preview: PreviewAbsence
    take: TakeTimeOff
    change: ChangeTimeOff
    end: EndTimeOff
    read: ReadAbsences

    def routes(self) -> Routes:
        """List the operations."""
        routes, refused = Routes("Availability"), [NotFound, NotPermitted]
        of_doctor, one = "/v1/doctors/{doctor_id}/time-off", "/v1/time-off/{time_off_id}"
        routes.add(
            "POST",
            of_doctor,
            self.create_time_off,
            policy=clinic_side,
            status=201,
            answers=TimeOffOut,
            refuses=[*refused, BookingsAffected],
            problems={409: BookingsProblem},
            also={200: AbsencePreviewOut},
            once=InOneTransaction(),
        )
        routes.add(
            "GET",
            of_doctor,
            self.list_time_off,
            policy=clinic_side,
            answers=Page[TimeOffOut],
            refuses=[*refused, InvalidCursor],
        )
        routes.add(
            "GET",
            one,
            self.read_time_off,
            policy=clinic_side,
            answers=TimeOffOut,
            refuses=refused,
        )
        routes.add(
            "PATCH",
            one,
            self.change_time_off,
            policy=clinic_side,
            answers=ChangedTimeOffOut,
            refuses=[*refused, Stale, BookingsAffected],
            problems={409: BookingsProblem},
        )
        routes.add(
            "DELETE",
            one,
            self.delete_time_off,
            policy=clinic_side,
            status=204,
            answers=None,
            refuses=[*refused, Stale],
        )
        return routes

    async def create_time_off(
        self,
        doctor_id: UUID,
        body: TimeOffIn,
        actor: Caller,
        dry_run: DryRun = False,  # noqa: FBT002
        on_conflict: Conflicts = None,
    ) -> Response:
        """Give a doctor time off: closes slots. Booked appointments are kept or cancelled.

        With `dry_run` the answer is `200` and lists them, with the nearest alternatives of each.
        """
        when = {"starts_at": body.starts_at, "ends_at": body.ends_at}
        whose = DoctorId(doctor_id)
        if dry_run:
            found = await self.preview.time_off(doctor_id=whose, actor=actor, **when)
            return json_answer(previewed(found))
        made = await self.take(
            doctor_id=whose, reason=body.reason, on_conflict=on_conflict, actor=actor, **when
        )
        location = {"Location": f"/v1/time-off/{made.id}"}
        return one_absence(made, TimeOffOut.of, status=201, headers=location)

    async def list_time_off(  # noqa: PLR0913  (one for each filter)
        self,
        request: Request,
        doctor_id: UUID,
        actor: Caller,
        *,
        since: Since = None,
        before: Before = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List a doctor's time off by start; with `from` and `to`, what overlaps that."""
        filters = {"doctor_id": doctor_id, "from": since, "to": before}
        page = AbsencePage(
            since=since, before=before, after=position_of(cursor, filters), limit=limit
        )
        found = await self.read.time_off(doctor_id=DoctorId(doctor_id), page=page, actor=actor)
        return absence_page(request, found, TimeOffOut.of, limit, filters)

    async def read_time_off(self, time_off_id: UUID, actor: Caller) -> Response:
        """Read one entry of time off."""
        found = await self.read.one_time_off(time_off_id=TimeOffId(time_off_id), actor=actor)
        return one_absence(found, TimeOffOut.of)

    async def change_time_off(  # noqa: PLR0913
        self,
        time_off_id: UUID,
        body: TimeOffChangeIn,
        actor: Caller,
        *,
        dry_run: DryRun = False,
        on_conflict: Conflicts = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Change time off. What it covers no longer opens, what it covers now closes.

        Appointments that it did not cover before are kept or cancelled, as when it is made. With
        `dry_run` the answer lists them, with the nearest alternatives of each.
        """
        about: dict[str, Any] = {
            "time_off_id": TimeOffId(time_off_id),
            "changes": body.given(),
            "version": expected_version(if_match),
            "actor": actor,
        }
        if dry_run:
            return json_answer(previewed(await self.preview.changed_time_off(**about)))
        changed = await self.change(on_conflict=on_conflict, **about)
        return one_absence(changed, TimeOffOut.of)

    async def delete_time_off(
        self, time_off_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Delete time off. Opens exactly the slots that it closed."""
        version = expected_version(if_match)
        await self.end(time_off_id=TimeOffId(time_off_id), version=version, actor=actor)
        return Response(status_code=204)
