"""Time off and closures over HTTP: booking's, because appointments decide whether they may be."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from booking_system.booking.adapters.absence_models import (
    AbsencePreviewOut,
    ClosureOut,
    ClosuresIn,
    ClosuresOut,
    TimeOffIn,
    TimeOffOut,
    previewed,
)
from booking_system.booking.adapters.removal_http import Conflicts
from booking_system.booking.application.take_time_off import (
    AbsencePreview,
    CloseClinic,
    EndTimeOff,
    ReopenClinic,
    TakeTimeOff,
)
from booking_system.booking.domain.absence import Closure, TimeOff
from booking_system.booking.domain.refusals import BookingsAffected
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import clinic_side
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import StrictRequest
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
from booking_system.scheduling.domain.refusals import NonexistentLocalTime
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, ClosureId, DoctorId, TimeOffId

Caller = Annotated[Actor, Depends(caller)]
DryRun = Annotated[bool, Query(description="Say what would happen, and change nothing")]


class Known(Protocol):
    """Something with an id."""

    @property
    def id(self) -> UUID:
        """Its identity."""
        ...


Absent = TypeVar("Absent", bound=Known)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceRoutes:
    """HTTP for time off and closures."""

    preview_time_off: Callable[..., Awaitable[AbsencePreview]]
    preview_closures: Callable[..., Awaitable[AbsencePreview]]
    take: TakeTimeOff
    end: EndTimeOff
    close: CloseClinic
    reopen: ReopenClinic
    one_time_off: Callable[..., Awaitable[TimeOff]]
    time_off: Callable[..., Awaitable[Sequence[TimeOff]]]
    closures: Callable[..., Awaitable[Sequence[Closure]]]
    some_closures: Callable[..., Awaitable[Sequence[Closure]]]

    def routes(self) -> Routes:
        """List the operations."""
        routes, refused = Routes("Availability"), [NotFound, NotPermitted]
        of_doctor, of_clinic = (
            "/v1/doctors/{doctor_id}/time-off",
            "/v1/clinics/{clinic_id}/closures",
        )
        one = "/v1/time-off/{time_off_id}"
        routes.add(
            "POST",
            of_doctor,
            self.create_time_off,
            policy=clinic_side,
            status=201,
            answers=TimeOffOut,
            refuses=[*refused, BookingsAffected],
            also={200: AbsencePreviewOut},
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
            "DELETE",
            one,
            self.delete_time_off,
            policy=clinic_side,
            status=204,
            answers=None,
            refuses=refused,
        )
        routes.add(
            "POST",
            of_clinic,
            self.create_closures,
            policy=clinic_side,
            status=201,
            answers=ClosuresOut,
            refuses=[*refused, BookingsAffected, NonexistentLocalTime],
            also={200: AbsencePreviewOut},
            again=self.show_closures_again,
        )
        routes.add(
            "GET",
            of_clinic,
            self.list_closures,
            policy=clinic_side,
            answers=Page[ClosureOut],
            refuses=[*refused, InvalidCursor],
        )
        routes.add(
            "DELETE",
            f"{of_clinic}/{{closure_id}}",
            self.delete_closure,
            policy=clinic_side,
            status=204,
            answers=None,
            refuses=refused,
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
        """Close a doctor's slots for a while. Booked appointments are kept or cancelled.

        With `dry_run` the answer is `200` and lists them, with the nearest alternatives of each.
        """
        when = {"starts_at": body.starts_at, "ends_at": body.ends_at}
        whose = DoctorId(doctor_id)
        if dry_run:
            found = await self.preview_time_off(doctor_id=whose, actor=actor, **when)
            return json_answer(previewed(found))
        made = await self.take(
            doctor_id=whose, reason=body.reason, on_conflict=on_conflict, actor=actor, **when
        )
        location = {"Location": f"/v1/time-off/{made.id}"}
        return json_answer(TimeOffOut.of(made), status=201, headers=location)

    async def list_time_off(
        self,
        request: Request,
        doctor_id: UUID,
        actor: Caller,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List a doctor's time off, the oldest entry first."""
        filters = {"doctor_id": doctor_id}
        place = position_of(cursor, filters)
        found = await self.time_off(
            doctor_id=DoctorId(doctor_id), after=place and place[1], limit=limit, actor=actor
        )
        return _page(request, found, TimeOffOut.of, limit, filters)

    async def read_time_off(self, time_off_id: UUID, actor: Caller) -> Response:
        """Read one entry of time off."""
        found = await self.one_time_off(time_off_id=TimeOffId(time_off_id), actor=actor)
        return json_answer(TimeOffOut.of(found))

    async def delete_time_off(self, time_off_id: UUID, actor: Caller) -> Response:
        """Take time off back. Opens exactly the slots that it closed."""
        await self.end(time_off_id=TimeOffId(time_off_id), actor=actor)
        return Response(status_code=204)

    async def create_closures(
        self,
        clinic_id: UUID,
        body: ClosuresIn,
        actor: Caller,
        dry_run: DryRun = False,  # noqa: FBT002
        on_conflict: Conflicts = None,
    ) -> Response:
        """Close a clinic on some days. Booked appointments are kept or cancelled.

        A day on which it is closed already stays as it is. With `dry_run` the answer is `200` and
        lists the appointments, with the nearest alternatives of each.
        """
        whose = ClinicId(clinic_id)
        if dry_run:
            found = await self.preview_closures(clinic_id=whose, days=body.dates, actor=actor)
            return json_answer(previewed(found))
        made = await self.close(
            clinic_id=whose,
            days=body.dates,
            reason=body.reason,
            on_conflict=on_conflict,
            actor=actor,
        )
        answer = ClosuresOut(items=[ClosureOut.of(one) for one in made])
        return json_answer(
            answer, status=201, headers={"Location": f"/v1/clinics/{clinic_id}/closures"}
        )

    async def show_closures_again(self, _: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the closures that were made and stand still."""
        found = await self.some_closures(closure_ids=made)
        return json_answer(ClosuresOut(items=[ClosureOut.of(one) for one in found]))

    async def list_closures(
        self,
        request: Request,
        clinic_id: UUID,
        actor: Caller,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the days on which a clinic is closed, the oldest entry first."""
        filters = {"clinic_id": clinic_id}
        place = position_of(cursor, filters)
        found = await self.closures(
            clinic_id=ClinicId(clinic_id), after=place and place[1], limit=limit, actor=actor
        )
        return _page(request, found, ClosureOut.of, limit, filters)

    async def delete_closure(self, clinic_id: UUID, closure_id: UUID, actor: Caller) -> Response:
        """Take one closure back. Opens exactly the slots that it closed."""
        await self.reopen(
            clinic_id=ClinicId(clinic_id), closure_id=ClosureId(closure_id), actor=actor
        )
        return Response(status_code=204)


def _page(
    request: Request,
    found: Sequence[Absent],
    show: Callable[[Absent], BaseModel],
    limit: int,
    filters: dict[str, UUID],
) -> Response:
    following = cursor_after(None, found[limit - 1].id, filters) if len(found) > limit else None
    page = {"items": [show(one) for one in found[:limit]], "next_cursor": following}
    return json_answer(page, headers=link_to_next(request, following))
