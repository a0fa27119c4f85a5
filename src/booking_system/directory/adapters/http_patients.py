"""Patients, and their registration, over HTTP."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.directory.adapters import answers
from booking_system.directory.adapters.models_patients import (
    PatientChangeIn,
    PatientIn,
    PatientOut,
    RegisteredOut,
    RegistrationIn,
)
from booking_system.directory.application.keep_patients import (
    ChangePatient,
    CreatePatient,
    ListPatients,
    ShowPatient,
)
from booking_system.directory.application.ports import Search
from booking_system.directory.application.register import Register
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.identity.domain.refusals import EmailTaken, PasswordTooWeak, RateLimited
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, expected_version
from booking_system.platform.http.input import ShortText
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import ClinicId, PatientId

Caller = Annotated[Actor, Depends(caller)]
LONGEST_USER_AGENT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRoutes:
    """HTTP for patients."""

    register: Register
    create: CreatePatient
    show: ShowPatient
    list: ListPatients
    change: ChangePatient

    def routes(self) -> Routes:
        """List the operations."""
        routes, one = Routes("Patients"), "/v1/patients/{patient_id}"
        routes.add(
            "POST",
            "/v1/auth/register",
            self.register_account,
            tag="Identity",
            policy=public,
            asks_who=False,
            status=201,
            answers=RegisteredOut,
            refuses=[EmailTaken, PasswordTooWeak, RateLimited],
        )
        routes.add(
            "POST",
            "/v1/patients",
            self.create_patient,
            policy=signed_in,
            status=201,
            answers=PatientOut,
            refuses=[NotFound, NotPermitted],
        )
        routes.add(
            "GET",
            "/v1/patients",
            self.list_patients,
            policy=signed_in,
            answers=Page[PatientOut],
            refuses=[InvalidCursor],
        )
        routes.add(
            "GET", one, self.read_patient, policy=signed_in, answers=PatientOut, refuses=[NotFound]
        )
        routes.add(
            "PATCH",
            one,
            self.change_patient,
            policy=signed_in,
            answers=PatientOut,
            refuses=[NotFound, NotPermitted, Stale],
        )
        return routes

    async def register_account(self, request: Request, body: RegistrationIn) -> Response:
        """Make an account for yourself as a patient; you are signed in at once."""
        address = request.client.host if request.client else ""
        user_agent = (request.headers.get("user-agent") or "")[:LONGEST_USER_AGENT] or None
        done = await self.register(newcomer=body.newcomer(), address=address, user_agent=user_agent)
        headers = {"Location": f"/v1/patients/{done.patient_id}", "Cache-Control": "no-store"}
        return json_answer(RegisteredOut.of(done), status=201, headers=headers)

    async def create_patient(self, body: PatientIn, actor: Caller) -> Response:
        """Register a patient with your clinic; neither e-mail nor account is needed."""
        patient = await self.create(
            clinic_id=ClinicId(body.clinic_id), fields=body.fields(), actor=actor
        )
        location = {"Location": f"/v1/patients/{patient.id}"}
        return answers.one(patient, PatientOut.of, status=201, headers=location)

    async def list_patients(  # noqa: PLR0913  (one for each filter)
        self,
        request: Request,
        actor: Caller,
        *,
        clinic_id: UUID | None = None,
        q: Annotated[ShortText | None, Query(description="Part of the name")] = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the patients that you may see: those of your clinics, and yourself."""
        clinic = None if clinic_id is None else ClinicId(clinic_id)
        filters = {"clinic_id": clinic, "q": q}
        place = position_of(cursor, filters)
        search = Search(clinic_id=clinic, q=q, after=place and place[1], limit=limit)
        found = await self.list(search=search, actor=actor)
        return answers.page(request, found, PatientOut.of, limit=limit, filters=filters)

    async def read_patient(self, patient_id: UUID, actor: Caller) -> Response:
        """Read one patient."""
        patient = await self.show(patient_id=PatientId(patient_id), actor=actor)
        return answers.one(patient, PatientOut.of)

    async def change_patient(
        self, patient_id: UUID, body: PatientChangeIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Change a patient's data. Staff cannot change how to reach somebody with an account."""
        patient = await self.change(
            patient_id=PatientId(patient_id),
            changes=body.given(),
            version=expected_version(if_match),
            actor=actor,
        )
        return answers.one(patient, PatientOut.of)
