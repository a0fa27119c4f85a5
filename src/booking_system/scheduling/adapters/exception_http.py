"""Exceptions from weekly hours over HTTP."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from booking_system.identity.domain.policies import clinic_side
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.input import NearDay, StrictRequest
from booking_system.platform.http.once import InOneTransaction
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
from booking_system.scheduling.adapters.availability_http import Caller, DryRun
from booking_system.scheduling.adapters.availability_models import (
    AvailabilityPreviewOut,
    OverlapProblem,
)
from booking_system.scheduling.adapters.exception_models import (
    AvailabilityExceptionIn,
    AvailabilityExceptionOut,
)
from booking_system.scheduling.application.keep_exceptions import (
    CreateException,
    DeleteException,
    ListExceptions,
    ShowException,
)
from booking_system.scheduling.domain.refusals import (
    AvailabilityOverlap,
    NonexistentLocalTime,
    PlanTooLarge,
)
from booking_system.scheduling.domain.timetable import AvailabilityException
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import DoctorId, RuleId


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionRoutes:
    """HTTP for exceptions from weekly hours."""

    create: CreateException
    show: ShowException
    as_made: Callable[..., Awaitable[tuple[AvailabilityException, int]]]
    list: ListExceptions
    delete: DeleteException

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Availability")
        of_doctor = "/v1/doctors/{doctor_id}/availability-exceptions"
        one = "/v1/availability-exceptions/{exception_id}"
        known = [NotFound, NotPermitted]
        routes.add(
            "POST",
            of_doctor,
            self.create_availability_exception,
            policy=clinic_side,
            status=201,
            answers=AvailabilityExceptionOut,
            refuses=[*known, AvailabilityOverlap, NonexistentLocalTime, PlanTooLarge],
            problems={409: OverlapProblem},
            also={200: AvailabilityPreviewOut},
            once=InOneTransaction(again=self.show_exception_again),
        )
        routes.add(
            "GET",
            of_doctor,
            self.list_availability_exceptions,
            policy=clinic_side,
            answers=Page[AvailabilityExceptionOut],
            refuses=[*known, InvalidCursor],
        )
        routes.add(
            "GET",
            one,
            self.read_availability_exception,
            policy=clinic_side,
            answers=AvailabilityExceptionOut,
            refuses=known,
        )
        routes.add(
            "DELETE",
            one,
            self.delete_availability_exception,
            policy=clinic_side,
            answers=AvailabilityPreviewOut,
            refuses=[*known, PlanTooLarge],
        )
        return routes

    async def create_availability_exception(
        self,
        doctor_id: UUID,
        body: AvailabilityExceptionIn,
        actor: Caller,
        dry_run: DryRun = False,  # noqa: FBT002
    ) -> Response:
        """Give a doctor other hours on one date: instead of the weekly ones, or besides them.

        Slots follow at once; what is booked or held stays, and `kept_bookings` names what lies
        outside of all hours now. A date has one exception that replaces the weekly hours. Hours
        that are added must not overlap those of a rule, even of one that is replaced that day. With
        `dry_run` the answer is `200` and says what would become of slots.
        """
        exception, followed = await self.create(
            doctor_id=DoctorId(doctor_id),
            day=body.date,
            hours=body.of_date(),
            replaces=body.replaces,
            dry_run=dry_run,
            actor=actor,
        )
        if dry_run:
            return json_answer(AvailabilityPreviewOut.of(followed))
        out = AvailabilityExceptionOut.of(
            exception,
            generated=followed.opened[exception.id],
            kept=followed.kept_bookings,
        )
        location = {"Location": f"/v1/availability-exceptions/{exception.id}"}
        return making_answer(out, [exception.id], headers=location)

    async def show_exception_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show what was made, with the slots that it opened."""
        exception, generated = await self.as_made(
            exception_id=RuleId(made[0]), actor=request.scope["caller"]
        )
        return json_answer(AvailabilityExceptionOut.of(exception, generated=generated, kept=[]))

    async def list_availability_exceptions(  # noqa: PLR0913
        self,
        request: Request,
        *,
        doctor_id: UUID,
        actor: Caller,
        since: Annotated[
            NearDay | None,
            Query(
                alias="from",
                description="Exceptions of that day or later, by the clinic's calendar",
            ),
        ] = None,
        until: Annotated[
            NearDay | None,
            Query(
                alias="to",
                description="Exceptions of days before that one, by the clinic's calendar",
            ),
        ] = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the exceptions of a doctor: by date."""
        filters = {"doctor_id": doctor_id, "from": since, "to": until}
        place = position_of(cursor, filters)
        found = await self.list(
            doctor_id=DoctorId(doctor_id),
            first=since,
            until=until,
            after=None if place is None else (place[0].date(), place[1]),
            limit=limit,
            actor=actor,
        )
        following = None
        if len(found) > limit:
            last = found[limit - 1]
            midnight = datetime.combine(last.day, time(), UTC)
            following = cursor_after(midnight, last.id, filters)
        items = [AvailabilityExceptionOut.of(one) for one in found[:limit]]
        page = {"items": items, "next_cursor": following}
        return json_answer(page, headers=link_to_next(request, following))

    async def read_availability_exception(self, exception_id: UUID, actor: Caller) -> Response:
        """Read one exception of the weekly hours."""
        exception = await self.show(exception_id=RuleId(exception_id), actor=actor)
        return json_answer(AvailabilityExceptionOut.of(exception))

    async def delete_availability_exception(
        self,
        exception_id: UUID,
        actor: Caller,
        dry_run: DryRun = False,  # noqa: FBT002
    ) -> Response:
        """Delete an exception: the weekly hours hold again on its date, and slots follow.

        What is booked or held stays. The answer says what became of slots; with `dry_run`, what
        would.
        """
        followed = await self.delete(
            exception_id=RuleId(exception_id), dry_run=dry_run, actor=actor
        )
        return json_answer(AvailabilityPreviewOut.of(followed))
