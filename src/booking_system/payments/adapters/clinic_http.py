"""A clinic's money over HTTP: days, and what people have to see to."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.payments.adapters.matter_models import MatterOut, MattersOut
from booking_system.payments.adapters.models import DayTotalsOut
from booking_system.payments.application.read_payments import (
    ListMatters,
    ResolveMatter,
    ShowDayTotals,
)
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import NearDay
from booking_system.platform.http.pagination import Limit
from booking_system.platform.http.routing import Routes
from booking_system.scheduling.domain.refusals import NonexistentLocalTime
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId

Caller = Annotated[Actor, Depends(caller)]
Day = Annotated[
    NearDay | None,
    Query(
        alias="date", description="By the clinic's clock; default: today", examples=["2027-03-01"]
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicMoneyRoutes:
    """HTTP for the clinic's side of payments."""

    totals: ShowDayTotals
    matters: ListMatters
    resolve: ResolveMatter

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Payments")
        routes.add(
            "GET",
            "/v1/clinics/{clinic_id}/payment-totals",
            self.read_payment_totals,
            policy=signed_in,
            answers=DayTotalsOut,
            refuses=[NotFound, NotPermitted, NonexistentLocalTime],
        )
        routes.add(
            "GET",
            "/v1/clinics/{clinic_id}/payment-matters",
            self.list_payment_matters,
            policy=signed_in,
            answers=MattersOut,
            refuses=[NotFound, NotPermitted],
        )
        routes.add(
            "DELETE",
            "/v1/payment-matters/{matter_id}",
            self.resolve_payment_matter,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[NotFound],
        )
        return routes

    async def read_payment_totals(
        self, clinic_id: UUID, actor: Caller, day: Day = None
    ) -> Response:
        """Add up the money of one day: the day's close, for the clinic's staff."""
        return json_answer(DayTotalsOut.of(await self.totals(ClinicId(clinic_id), day, actor)))

    async def list_payment_matters(
        self, clinic_id: UUID, actor: Caller, limit: Limit = 50
    ) -> Response:
        """List what staff have to see to: misfits, and refunds made by hand only."""
        found = await self.matters(ClinicId(clinic_id), actor, most=limit)
        return json_answer(MattersOut(items=[MatterOut.of(one) for one in found]))

    async def resolve_payment_matter(self, matter_id: UUID, actor: Caller) -> Response:
        """Mark a matter as seen to."""
        await self.resolve(matter_id, actor)
        return Response(status_code=204)
