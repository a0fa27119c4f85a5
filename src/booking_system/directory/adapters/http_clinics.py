"""Clinics and their staff over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.directory.adapters import answers
from booking_system.directory.adapters.models_clinics import ClinicIn, ClinicOut
from booking_system.directory.adapters.models_doctors import StaffIn, StaffListOut, StaffOut
from booking_system.directory.application.keep_clinics import (
    CreateClinic,
    ListClinics,
    ShowClinic,
)
from booking_system.directory.application.keep_staff import AddStaff, ListStaff, RemoveStaff
from booking_system.directory.application.ports import Search
from booking_system.directory.domain.refusals import SlugTaken
from booking_system.identity.domain.actor import Actor, Role
from booking_system.identity.domain.policies import platform_admin, public, signed_in
from booking_system.identity.domain.refusals import PasswordTooWeak
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.input import ShortText, StrictRequest
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, UserId

Caller = Annotated[Actor, Depends(caller)]
SlugText = Annotated[str | None, Query(max_length=63)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicRoutes:
    """HTTP for clinics and their staff."""

    create: CreateClinic
    show: ShowClinic
    list: ListClinics
    add_staff: AddStaff
    list_staff: ListStaff
    remove_staff: RemoveStaff

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
        )
        routes.add(
            "GET", one, self.read_clinic, policy=public, answers=ClinicOut, refuses=[NotFound]
        )
        self._staff(routes, f"{one}/staff")
        return routes

    def _staff(self, routes: Routes, staff: str) -> None:
        usual = [NotFound, NotPermitted]
        routes.add(
            "POST",
            staff,
            self.create_staff,
            policy=signed_in,
            status=201,
            answers=StaffOut,
            refuses=[*usual, PasswordTooWeak],
            again=self.show_staff_again,
        )
        routes.add(
            "GET",
            staff,
            self.read_staff,
            policy=signed_in,
            answers=StaffListOut,
            refuses=usual,
        )
        routes.add(
            "DELETE",
            f"{staff}/{{user_id}}",
            self.delete_staff,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=usual,
        )

    async def create_clinic(self, body: ClinicIn) -> Response:
        """Open a clinic."""
        clinic = await self.create(fields=body.fields())
        location = {"Location": f"/v1/clinics/{clinic.id}"}
        return answers.one(clinic, ClinicOut.of, status=201, headers=location)

    async def list_clinics(
        self,
        request: Request,
        q: Annotated[ShortText | None, Query(description="Part of the name")] = None,
        slug: SlugText = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """Search clinics, the oldest first."""
        filters = {"q": q, "slug": slug}
        place = position_of(cursor, filters)
        search = Search(q=q, slug=slug, after=place and place[1], limit=limit)
        found = await self.list(search=search)
        return answers.page(request, found, ClinicOut.of, limit=limit, filters=filters)

    async def read_clinic(self, clinic_id: UUID) -> Response:
        """Read one clinic."""
        clinic = await self.show(clinic_id=ClinicId(clinic_id))
        return answers.one(clinic, ClinicOut.of)

    async def create_staff(self, clinic_id: UUID, body: StaffIn, actor: Caller) -> Response:
        """Give somebody a role in the clinic, and an account if there is none yet."""
        member = await self.add_staff(clinic_id=ClinicId(clinic_id), staff=body.new(), actor=actor)
        location = {"Location": f"/v1/clinics/{clinic_id}/staff"}
        return json_answer(StaffOut.of(member), status=201, headers=location)

    async def show_staff_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the role that the very same body has given. Raises `NotFound` where it is gone."""
        asked = StaffIn.model_validate(await request.json())
        clinic_id = ClinicId(UUID(request.path_params["clinic_id"]))
        found = await self.list_staff(clinic_id=clinic_id, actor=request.scope["caller"])
        for member in found:
            role = member.role, member.doctor_id
            if member.user_id in made and role == (Role(asked.role), asked.doctor_id):
                return json_answer(StaffOut.of(member))
        raise NotFound

    async def read_staff(self, clinic_id: UUID, actor: Caller) -> Response:
        """List who works for the clinic, one entry for each role."""
        found = await self.list_staff(clinic_id=ClinicId(clinic_id), actor=actor)
        return json_answer(StaffListOut(items=[StaffOut.of(member) for member in found]))

    async def delete_staff(self, clinic_id: UUID, user_id: UUID, actor: Caller) -> Response:
        """Take all roles in the clinic away from somebody, within a second."""
        await self.remove_staff(clinic_id=ClinicId(clinic_id), user_id=UserId(user_id), actor=actor)
        return Response(status_code=204)
