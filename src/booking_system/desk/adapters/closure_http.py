"""Closures over HTTP: appointments decide whether they may be."""

from collections.abc import Sequence
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
    ChangedClosureOut,
    ClosureChangeIn,
    ClosureOut,
    ClosuresIn,
    ClosuresOut,
    previewed,
)
from booking_system.desk.adapters.conflict_models import BookingsProblem
from booking_system.desk.adapters.removal_http import Conflicts
from booking_system.desk.application.change_absence import ChangeClosure
from booking_system.desk.application.preview_absence import PreviewAbsence
from booking_system.desk.application.read_absences import ReadAbsences
from booking_system.desk.application.take_time_off import CloseClinic, ReopenClinic
from booking_system.desk.domain.refusals import BookingsAffected
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import clinic_side
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, expected_version
from booking_system.platform.http.input import NearDay, StrictRequest
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
from booking_system.scheduling.domain.refusals import NonexistentLocalTime
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import ClinicId, ClosureId

Caller = Annotated[Actor, Depends(caller)]
First = Annotated[
    NearDay | None,
    Query(alias="from", description="Closures of this day or later, by the clinic's calendar"),
]
Until = Annotated[
    NearDay | None,
    Query(alias="to", description="Closures of days before this one, by the clinic's calendar"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureRoutes:
    """HTTP for closures."""

    preview: PreviewAbsence
    close: CloseClinic
    change: ChangeClosure
    reopen: ReopenClinic
    read: ReadAbsences

    def routes(self) -> Routes:
        """List the operations."""
        routes, refused = Routes("Availability"), [NotFound, NotPermitted]
        of_clinic = "/v1/clinics/{clinic_id}/closures"
        one = f"{of_clinic}/{{closure_id}}"
        routes.add(
            "POST",
            of_clinic,
            self.create_closures,
            policy=clinic_side,
            status=201,
            answers=ClosuresOut,
            refuses=[*refused, BookingsAffected, NonexistentLocalTime],
            problems={409: BookingsProblem},
            also={200: AbsencePreviewOut},
            once=InOneTransaction(again=self.show_closures_again),
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
            "GET", one, self.read_closure, policy=clinic_side, answers=ClosureOut, refuses=refused
        )
        routes.add(
            "PATCH",
            one,
            self.change_closure,
            policy=clinic_side,
            answers=ChangedClosureOut,
            refuses=[*refused, Stale, BookingsAffected, NonexistentLocalTime],
            problems={409: BookingsProblem},
        )
        routes.add(
            "DELETE",
            one,
            self.delete_closure,
            policy=clinic_side,
            status=204,
            answers=None,
            refuses=[*refused, Stale],
        )
        return routes

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
            found = await self.preview.closures(clinic_id=whose, days=body.dates, actor=actor)
            return json_answer(previewed(found))
        made = await self.close(
            clinic_id=whose,
            days=body.dates,
            reason=body.reason,
            on_conflict=on_conflict,
            actor=actor,
        )
        answer = ClosuresOut(items=[ClosureOut.of(one) for one in made])
        location = {"Location": f"/v1/clinics/{clinic_id}/closures"}
        return making_answer(answer, [one.id for one in made], headers=location)

    async def show_closures_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the closures that were made and stand still."""
        found = await self.read.some_closures(
            clinic_id=ClinicId(UUID(request.path_params["clinic_id"])),
            closure_ids=made,
            actor=request.scope["caller"],
        )
        return json_answer(ClosuresOut(items=[ClosureOut.of(one) for one in found]))

    async def list_closures(  # noqa: PLR0913  (one for each filter)
        self,
        request: Request,
        clinic_id: UUID,
        actor: Caller,
        *,
        first: First = None,
        until: Until = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the closures of a clinic: the days on which it is closed, in their order."""
        filters = {"clinic_id": clinic_id, "from": first, "to": until}
        page = AbsencePage(
            first=first, until=until, after=position_of(cursor, filters), limit=limit
        )
        found = await self.read.closures(clinic_id=ClinicId(clinic_id), page=page, actor=actor)
        return absence_page(request, found, ClosureOut.of, limit, filters)

    async def read_closure(self, clinic_id: UUID, closure_id: UUID, actor: Caller) -> Response:
        """Read one closure."""
        found = await self.read.one_closure(
            clinic_id=ClinicId(clinic_id), closure_id=ClosureId(closure_id), actor=actor
        )
        return one_absence(found, ClosureOut.of)

    async def change_closure(  # noqa: PLR0913
        self,
        clinic_id: UUID,
        closure_id: UUID,
        body: ClosureChangeIn,
        actor: Caller,
        *,
        dry_run: DryRun = False,
        on_conflict: Conflicts = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Change the day of a closure, or its reason. What it covers no longer opens.

        Appointments that it did not cover before are kept or cancelled, as when it is made. With
        `dry_run` the answer lists them, with the nearest alternatives of each.
        """
        about: dict[str, Any] = {
            "clinic_id": ClinicId(clinic_id),
            "closure_id": ClosureId(closure_id),
            "changes": body.given(),
            "version": expected_version(if_match),
            "actor": actor,
        }
        if dry_run:
            return json_answer(previewed(await self.preview.changed_closure(**about)))
        changed = await self.change(on_conflict=on_conflict, **about)
        return one_absence(changed, ClosureOut.of)

    async def delete_closure(
        self, clinic_id: UUID, closure_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Delete a closure. Opens exactly the slots that it closed."""
        await self.reopen(
            clinic_id=ClinicId(clinic_id),
            closure_id=ClosureId(closure_id),
            version=expected_version(if_match),
            actor=actor,
        )
        return Response(status_code=204)
