"""Doctors over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.directory.adapters import answers
from booking_system.directory.adapters.models_listed import ListedDoctorOut
from booking_system.directory.adapters.sought import sought, with_references
from booking_system.directory.application.keep_doctors import (
    ChangeDoctor,
    CreateDoctor,
    ListDoctors,
    ShowDoctor,
)
from booking_system.directory.application.keep_references import ListReferences
from booking_system.directory.application.ports import Search
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.references import ExternalIdTaken, Kind
from booking_system.directory.records.doctor_models import DoctorChangeIn, DoctorIn, DoctorOut
from booking_system.directory.records.references_shown import ExpandItems, SoughtId, noted_of
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, expected_version
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
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, ServiceId

Caller = Annotated[Actor, Depends(caller)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorRoutes:
    """HTTP for doctors."""

    create: CreateDoctor
    show: ShowDoctor
    list: ListDoctors
    references: ListReferences
    pages: answers.PublicPages
    change: ChangeDoctor

    def routes(self) -> Routes:
        """List the operations."""
        routes, one = Routes("Doctors"), "/v1/doctors/{doctor_id}"
        routes.add(
            "POST",
            "/v1/clinics/{clinic_id}/doctors",
            self.create_doctor,
            policy=signed_in,
            status=201,
            answers=DoctorOut,
            refuses=[NotFound, NotPermitted, ExternalIdTaken],
            once=InOneTransaction(again=self.show_doctor_again),
        )
        routes.add(
            "GET",
            "/v1/doctors",
            self.list_doctors,
            policy=public,
            answers=Page[ListedDoctorOut],
            refuses=[InvalidCursor, NotPermitted],
            knows_caller=True,
        )
        routes.add(
            "GET", one, self.read_doctor, policy=public, answers=DoctorOut, refuses=[NotFound]
        )
        routes.add(
            "PATCH",
            one,
            self.change_doctor,
            policy=signed_in,
            answers=DoctorOut,
            refuses=[NotFound, NotPermitted, Stale],
        )
        return routes

    async def create_doctor(self, clinic_id: UUID, body: DoctorIn, actor: Caller) -> Response:
        """Add a doctor to a clinic."""
        doctor = await self.create(
            clinic_id=ClinicId(clinic_id),
            fields=body.fields(),
            actor=actor,
            noted=noted_of(body.external_id, body.metadata),
        )
        location = {"Location": f"/v1/doctors/{doctor.id}"}
        return answers.one(doctor, DoctorOut.of, status=201, headers=location)

    async def list_doctors(  # noqa: PLR0913  (one for each filter)
        self,
        request: Request,
        *,
        clinic_id: UUID | None = None,
        service_id: Annotated[
            UUID | None, Query(description="Doctors who offer it: a booking of it would take them")
        ] = None,
        specialty: ShortText | None = None,
        language: Annotated[str | None, Query(max_length=3, examples=["de"])] = None,
        q: Annotated[
            ShortText | None, Query(description="Part of the doctor's name, in capitals or not")
        ] = None,
        external_id: SoughtId = None,
        expand: ExpandItems = None,
        actor: Annotated[Actor | None, Depends(caller)],
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """Search doctors: the oldest first."""
        filters: dict[str, Any] = {
            "clinic_id": None if clinic_id is None else ClinicId(clinic_id),
            "service_id": None if service_id is None else ServiceId(service_id),
            "specialty": specialty,
            "language": language,
            "q": q,
        }
        if external_id is not None:
            filters |= sought(external_id, clinic_id, Kind.DOCTOR, actor)
        place = position_of(cursor, filters)
        search = Search(**filters, after=place and place[1], limit=limit)
        find = partial(self.list, search=search)
        if external_id is not None or expand:
            found = await find()
            show: answers.Shown[Doctor] = DoctorOut.of
            if expand:
                about: dict[str, Any] = {"clinic_id": clinic_id, "actor": actor}
                show = await with_references(
                    self.references, found, DoctorOut.of, kind=Kind.DOCTOR, **about
                )
            return answers.page(request, found, show, limit=limit, filters=filters)
        return await self.pages.answer(request, search, filters, find=find, show=DoctorOut.of)

    async def read_doctor(self, doctor_id: UUID) -> Response:
        """Read one doctor."""
        doctor = await self.show(doctor_id=DoctorId(doctor_id))
        return answers.one(doctor, DoctorOut.of)

    async def show_doctor_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show what was made, or brought back, to callers who may still do so."""
        doctor = await self.show(doctor_id=DoctorId(made[0]), managed_by=request.scope["caller"])
        return answers.one(doctor, DoctorOut.of)

    async def change_doctor(
        self, doctor_id: UUID, body: DoctorChangeIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Change a doctor. What the body does not name stays as it is."""
        doctor = await self.change(
            doctor_id=DoctorId(doctor_id),
            changes=body.changes(),
            version=expected_version(if_match),
            actor=actor,
        )
        return answers.one(doctor, DoctorOut.of)
