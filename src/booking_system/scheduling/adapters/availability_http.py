"""Weekly availability over HTTP."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import clinic_side
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.input import StrictRequest
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
from booking_system.scheduling.adapters.availability_models import (
    AvailabilityChangeIn,
    AvailabilityIn,
    AvailabilityOut,
    AvailabilityPreviewOut,
    ChangedAvailabilityOut,
    OverlapProblem,
)
from booking_system.scheduling.application.follow_hours import Followed
from booking_system.scheduling.application.keep_availability import (
    ChangeAvailability,
    CreateAvailability,
    DeleteAvailability,
)
from booking_system.scheduling.application.read_availability import (
    ListAvailability,
    SeenRule,
    ShowAvailability,
)
from booking_system.scheduling.domain.availability import AvailabilityRule
from booking_system.scheduling.domain.refusals import (
    AvailabilityOverlap,
    NonexistentLocalTime,
    PlanTooLarge,
)
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import DoctorId, RuleId

Caller = Annotated[Actor, Depends(caller)]
DryRun = Annotated[bool, Query(description="Say what would happen, and change nothing")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityRoutes:
    """HTTP for weekly availability."""

    create: CreateAvailability
    show: ShowAvailability
    as_made: Callable[..., Awaitable[tuple[SeenRule, int]]]
    list: ListAvailability
    change: ChangeAvailability
    delete: DeleteAvailability

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Availability")
        of_doctor, one = "/v1/doctors/{doctor_id}/availability", "/v1/availability/{rule_id}"
        wrong_hours = [AvailabilityOverlap, NonexistentLocalTime, PlanTooLarge]
        routes.add(
            "POST",
            of_doctor,
            self.create_availability,
            policy=clinic_side,
            status=201,
            answers=AvailabilityOut,
            refuses=[NotFound, NotPermitted, *wrong_hours],
            problems={409: OverlapProblem},
            also={200: AvailabilityPreviewOut},
            once=InOneTransaction(again=self.show_availability_again),
        )
        routes.add(
            "GET",
            of_doctor,
            self.list_availability,
            policy=clinic_side,
            answers=Page[AvailabilityOut],
            refuses=[NotFound, NotPermitted, InvalidCursor],
        )
        routes.add(
            "GET",
            one,
            self.read_availability,
            policy=clinic_side,
            answers=AvailabilityOut,
            refuses=[NotFound, NotPermitted],
        )
        changes = [NotFound, NotPermitted, Stale]
        routes.add(
            "PATCH",
            one,
            self.change_availability,
            policy=clinic_side,
            answers=ChangedAvailabilityOut,
            refuses=[*changes, *wrong_hours],
            problems={409: OverlapProblem},
        )
        routes.add(
            "DELETE",
            one,
            self.delete_availability,
            policy=clinic_side,
            answers=AvailabilityPreviewOut,
            refuses=changes,
        )
        return routes

    async def create_availability(
        self,
        doctor_id: UUID,
        body: AvailabilityIn,
        actor: Caller,
        dry_run: DryRun = False,  # noqa: FBT002
    ) -> Response:
        """Add weekly hours of a doctor: makes their slots as far as the clinic's horizon.

        Of very many, the first 4,000 or so are made at once and the others within seconds:
        `filled_until` says how far they are. With `dry_run` the answer is `200` and says what would
        be made.
        """
        rule, followed = await self.create(
            doctor_id=DoctorId(doctor_id), hours=body.hours(), dry_run=dry_run, actor=actor
        )
        if dry_run:
            return json_answer(AvailabilityPreviewOut.of(followed))
        return _made(rule, followed, 201, {"Location": f"/v1/availability/{rule.id}"})

    async def show_availability_again(
        self, request: StrictRequest, made: Sequence[UUID]
    ) -> Response:
        """Show what was made, with the slots that it opened."""
        seen, generated = await self.as_made(rule_id=RuleId(made[0]), actor=request.scope["caller"])
        return _answer(seen.rule, AvailabilityOut.of(*seen, generated=generated, kept=[]))

    async def list_availability(
        self,
        request: Request,
        doctor_id: UUID,
        actor: Caller,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the weekly hours of a doctor: the oldest first."""
        filters = {"doctor_id": doctor_id}
        place = position_of(cursor, filters)
        found = await self.list(
            doctor_id=DoctorId(doctor_id), after=place and place[1], limit=limit, actor=actor
        )
        following = (
            cursor_after(None, found[limit - 1].rule.id, filters) if len(found) > limit else None
        )
        items = [AvailabilityOut.of(*seen) for seen in found[:limit]]
        page = {"items": items, "next_cursor": following}
        return json_answer(page, headers=link_to_next(request, following))

    async def read_availability(self, rule_id: UUID, actor: Caller) -> Response:
        """Read weekly hours of a doctor."""
        seen = await self.show(rule_id=RuleId(rule_id), actor=actor)
        return _answer(seen.rule, AvailabilityOut.of(*seen))

    async def change_availability(
        self,
        rule_id: UUID,
        body: AvailabilityChangeIn,
        actor: Caller,
        dry_run: DryRun = False,  # noqa: FBT002
        if_match: IfMatch = None,
    ) -> Response:
        """Change weekly hours of a doctor. Open slots to come follow; what is booked or held stays.

        `kept_bookings` names what lies outside of all hours now. Where the new hours make very many
        slots, the first 4,000 or so are made at once and the others within seconds: `filled_until`
        says how far they are. With `dry_run` the answer says what would become of slots, and
        nothing changes.
        """
        rule, followed = await self.change(
            rule_id=RuleId(rule_id),
            changes=body.changes(),
            version=expected_version(if_match),
            dry_run=dry_run,
            actor=actor,
        )
        if dry_run:
            return json_answer(AvailabilityPreviewOut.of(followed))
        return _made(rule, followed)

    async def delete_availability(
        self,
        rule_id: UUID,
        actor: Caller,
        dry_run: DryRun = False,  # noqa: FBT002
        if_match: IfMatch = None,
    ) -> Response:
        """Delete weekly hours of a doctor, with their open slots. What is booked or held stays.

        The answer says what became of slots; with `dry_run`, what would.
        """
        followed = await self.delete(
            rule_id=RuleId(rule_id),
            version=expected_version(if_match),
            dry_run=dry_run,
            actor=actor,
        )
        return json_answer(AvailabilityPreviewOut.of(followed))


def _made(
    rule: AvailabilityRule,
    followed: Followed,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    out = AvailabilityOut.of(
        rule,
        followed.filled_until,
        generated=followed.opened[rule.id],
        kept=followed.kept_bookings,
    )
    return _answer(rule, out, status, headers)


def _answer(
    rule: AvailabilityRule,
    out: AvailabilityOut,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    tagged = {**(headers or {}), "ETag": etag_of(rule.version)}
    if status == 201:
        return making_answer(out, [rule.id], headers=tagged)
    return json_answer(out, status=status, headers=tagged)
