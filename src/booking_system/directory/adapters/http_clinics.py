"""Clinics over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.directory.adapters import answers
from booking_system.directory.application.keep_clinics import (
    CreateClinic,
    ListClinics,
    ShowClinic,
)
from booking_system.directory.application.ports import Search
from booking_system.directory.domain.refusals import SlugTaken
from booking_system.directory.records.clinic_models import ClinicIn, ClinicOut
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import platform_admin, public
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import ShortText, StrictRequest
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId

Caller = Annotated[Actor, Depends(caller)]
SlugText = Annotated[str | None, Query(max_length=63)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicRoutes:
    """HTTP for clinics."""

    create: CreateClinic
    show: ShowClinic
    list: ListClinics
    pages: answers.PublicPages

    def routes(self) -> Routes:
        """List the operations."""
        routes, one = Routes("Clinics"), "/v1/clinics/{clinic_id}"
        routes.add(
            "GET",
            "/v1/clinics",
            self.list_clinics,
            policy=public,
            answers=Page[ClinicOut],
            refuses=[InvalidCursor],
        )
        routes.add(
            "POST",
            "/v1/clinics",
            self.create_clinic,
            policy=platform_admin,
            status=201,
            answers=ClinicOut,
            refuses=[NotFound, NotPermitted, SlugTaken],
            once=InOneTransaction(),
        )
        routes.add(
            "GET", one, self.read_clinic, policy=public, answers=ClinicOut, refuses=[NotFound]
        )
        return routes

    async def create_clinic(self, body: ClinicIn) -> Response:
        """Open a clinic."""
        clinic = await self.create(fields=body.fields())
        location = {"Location": f"/v1/clinics/{clinic.id}"}
        return answers.one(clinic, ClinicOut.of, status=201, headers=location)

    async def list_clinics(
        self,
        request: Request,
        q: Annotated[
            ShortText | None, Query(description="Part of the clinic's name, in capitals or not")
        ] = None,
        slug: SlugText = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """Search clinics: the oldest first."""
        filters = {"q": q, "slug": slug}
        place = position_of(cursor, filters)
        search = Search(q=q, slug=slug, after=place and place[1], limit=limit)
        find = partial(self.list, search=search)
        return await self.pages.answer(request, search, filters, find=find, show=ClinicOut.of)

    async def read_clinic(self, clinic_id: UUID) -> Response:
        """Read one clinic."""
        clinic = await self.show(clinic_id=ClinicId(clinic_id))
        return answers.one(clinic, ClinicOut.of)

    async def show_clinic_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show what was brought back, to callers who may still do so."""
        clinic = await self.show(clinic_id=ClinicId(made[0]), managed_by=request.scope["caller"])
        return answers.one(clinic, ClinicOut.of)
