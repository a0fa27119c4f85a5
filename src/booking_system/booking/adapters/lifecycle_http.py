"""What becomes of an appointment, over HTTP."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from booking_system.booking.adapters.http import answer_of
from booking_system.booking.adapters.lifecycle_models import (
    HistoryEntryOut,
    RescheduleIn,
    entry_shown,
)
from booking_system.booking.adapters.models import AppointmentOut, SlotProblem
from booking_system.booking.application.mark_appointment import MarkAppointment
from booking_system.booking.application.read_appointments import ShowHistory
from booking_system.booking.application.reschedule_appointment import RescheduleAppointment
from booking_system.booking.domain import refusals as no
from booking_system.booking.domain.booking_rules import REFUSALS_OF_MOVES
from booking_system.booking.domain.lifecycle import Mark
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.identity.domain.refusals import RateLimited
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, expected_version
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import Page
from booking_system.platform.http.routing import Routes
from booking_system.scheduling.domain.refusals import SlotAlreadyBooked, SlotHeld, SlotUnavailable
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotPermitted, Stale
from booking_system.shared_kernel.identifiers import AppointmentId

Caller = Annotated[Actor, Depends(caller)]
ONE = "/v1/bookings/{booking_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleRoutes:
    """HTTP for marks, moves and the history."""

    mark: MarkAppointment
    reschedule: RescheduleAppointment
    history: ShowHistory
    clock: Clock

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Bookings")
        routes.add(
            "POST",
            f"{ONE}/reschedule",
            self.reschedule_booking,
            policy=signed_in,
            answers=AppointmentOut,
            refuses=[
                no.AppointmentNotFound,
                no.BookingNotActive,
                no.CancelTooLate,
                Stale,
                *REFUSALS_OF_MOVES,
                RateLimited,
            ],
            problems={409: SlotProblem},
            once=InOneTransaction(),
        )
        taken_since = [
            SlotUnavailable,
            SlotAlreadyBooked,
            SlotHeld,
            no.PatientOverlap,
            RateLimited,
        ]
        for path, endpoint, also in (
            ("check-in", self.check_in_booking, []),
            ("complete", self.complete_booking, []),
            ("no-show", self.mark_no_show, []),
            ("undo", self.undo_booking_step, taken_since),
        ):
            marked = [no.AppointmentNotFound, NotPermitted, no.InvalidTransition, Stale]
            routes.add(
                "POST",
                f"{ONE}/{path}",
                endpoint,
                policy=signed_in,
                answers=AppointmentOut,
                refuses=[*marked, *also],
                once=InOneTransaction(),
            )
        routes.add(
            "GET",
            f"{ONE}/history",
            self.read_booking_history,
            policy=signed_in,
            answers=Page[HistoryEntryOut],
            refuses=[no.AppointmentNotFound],
        )
        return routes

    async def reschedule_booking(
        self, booking_id: UUID, body: RescheduleIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Move a booking to another time slot of its clinic; the old one is open again at once.

        Both happen or neither. The booking keeps its id, reference, service and price. Where it is
        in that slot already, nothing changes. A `409` over the slot carries `alternatives`.
        """
        wish, version = body.wish(AppointmentId(booking_id)), expected_version(if_match)
        card = await self.reschedule(wish=wish, version=version, actor=actor)
        return answer_of(card, actor, self.clock.now())

    async def check_in_booking(
        self, booking_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Check a patient in: at the earliest 24 hours before the start."""
        return await self._mark(booking_id, Mark.CHECK_IN, if_match, actor)

    async def complete_booking(
        self, booking_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Complete a booking: after the check-in, or without one once it has begun.

        Before its end, the rest of its time is free again.
        """
        return await self._mark(booking_id, Mark.COMPLETE, if_match, actor)

    async def mark_no_show(
        self, booking_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Mark a booking as missed: once it has begun. The rest of its time is free."""
        return await self._mark(booking_id, Mark.NO_SHOW, if_match, actor)

    async def undo_booking_step(
        self, booking_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Take back the last check-in, completion or no-show; a cancellation stays.

        What ended before its end gave the rest of its time back: where somebody else has that by
        now, the answer is a `409`.
        """
        return await self._mark(booking_id, Mark.UNDO, if_match, actor)

    async def read_booking_history(self, booking_id: UUID, actor: Caller) -> Response:
        """Read the history of a booking: oldest first, all of it on one page."""
        entries = await self.history(appointment_id=AppointmentId(booking_id), actor=actor)
        return json_answer({"items": [entry_shown(one) for one in entries], "next_cursor": None})

    async def _mark(
        self, booking_id: UUID, mark: Mark, if_match: str | None, actor: Actor
    ) -> Response:
        card = await self.mark(
            appointment_id=AppointmentId(booking_id),
            mark=mark,
            version=expected_version(if_match),
            actor=actor,
        )
        return answer_of(card, actor, self.clock.now())
