"""What other systems call bookings, over HTTP: for the clinic's staff."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from booking_system.booking.application.keep_references import ChangeReferences, ShowReferences
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.directory.domain.references import ExternalIdTaken
from booking_system.directory.records.references_shown import ReferencesIn, ReferencesOut
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId

Caller = Annotated[Actor, Depends(caller)]
PATH = "/v1/bookings/{booking_id}/references"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingReferenceRoutes:
    """HTTP for references of bookings."""

    show: ShowReferences
    change: ChangeReferences

    def routes(self) -> Routes:
        """List the operations."""
        routes, refuses = Routes("Connecting"), [AppointmentNotFound, NotPermitted]
        routes.add(
            "GET",
            PATH,
            self.read_booking_references,
            policy=signed_in,
            answers=ReferencesOut,
            refuses=refuses,
        )
        routes.add(
            "PATCH",
            PATH,
            self.change_booking_references,
            policy=signed_in,
            answers=ReferencesOut,
            refuses=[*refuses, ExternalIdTaken],
        )
        return routes

    async def read_booking_references(self, booking_id: UUID, actor: Caller) -> Response:
        """Read what another system of your clinic calls a booking."""
        found = await self.show(appointment_id=AppointmentId(booking_id), actor=actor)
        return json_answer(ReferencesOut.of(found))

    async def change_booking_references(
        self, booking_id: UUID, body: ReferencesIn, actor: Caller
    ) -> Response:
        """Note what another system of your clinic calls a booking.

        The booking's version stays, nobody is told, and the patient is shown none of it.
        """
        changed = await self.change(
            appointment_id=AppointmentId(booking_id), noted=body.given(), actor=actor
        )
        return json_answer(ReferencesOut.of(changed))
