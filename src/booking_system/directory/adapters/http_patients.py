"""Patients, and their registration, over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.directory.adapters import answers
from booking_system.directory.adapters.models_listed import FoundPatientOut
from booking_system.directory.adapters.models_patients import (
    AddressIn,
    CalledIn,
    ListedPatientOut,
    NewPatientOut,
    PatientChangeIn,
    PatientIn,
    RegisteredOut,
    RegistrationIn,
)
from booking_system.directory.adapters.sought import with_references
from booking_system.directory.application.find_patients import FindPatients, TakeOnPatient
from booking_system.directory.application.keep_patients import (
    CallPatient,
    ChangePatient,
    CreatePatient,
    ListPatients,
    ShowNewPatient,
    ShowPatient,
)
from booking_system.directory.application.keep_references import ListReferences
from booking_system.directory.application.ports import Search
from booking_system.directory.application.register import Register
from booking_system.directory.domain.patient import FoundPatient
from booking_system.directory.domain.references import ExternalIdTaken, Kind
from booking_system.directory.records.patient_shown import PatientOut
from booking_system.directory.records.references_shown import ExpandItems, SoughtId, noted_of
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.identity.domain.refusals import EmailTaken, PasswordTooWeak, RateLimited
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.fields import Email, Phone
from booking_system.platform.http.input import ShortText, StrictRequest
from booking_system.platform.http.network import Networks
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import Invalid, NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import ClinicId, PatientId

Caller = Annotated[Actor, Depends(caller)]
LONGEST_USER_AGENT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRoutes:
    """HTTP for patients."""

    register: Register
    create: CreatePatient
    show: ShowPatient
    show_new: ShowNewPatient
    list: ListPatients
    references: ListReferences
    find: FindPatients
    take_on: TakeOnPatient
    change: ChangePatient
    networks: Networks
    call: CallPatient

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
            answers=NewPatientOut,
            refuses=[NotFound, NotPermitted, ExternalIdTaken],
            once=InOneTransaction(again=self.show_patient_again),
        )
        routes.add(
            "GET",
            "/v1/patients",
            self.list_patients,
            policy=signed_in,
            answers=Page[FoundPatientOut],
            refuses=[InvalidCursor, NotPermitted, RateLimited],
        )
        routes.add(
            "POST",
            "/v1/clinics/{clinic_id}/patients/{patient_id}",
            self.take_on_patient,
            policy=signed_in,
            status=201,
            answers=PatientOut,
            refuses=[NotFound, NotPermitted, RateLimited],
            once=InOneTransaction(),
        )
        routes.add(
            "PATCH",
            "/v1/clinics/{clinic_id}/patients/{patient_id}",
            self.name_patient,
            policy=signed_in,
            answers=ListedPatientOut,
            refuses=[NotFound, NotPermitted],
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
        """Register as a patient; you are signed in at once."""
        user_agent = (request.headers.get("user-agent") or "")[:LONGEST_USER_AGENT] or None
        network = self.networks.name_of(request)
        done = await self.register(newcomer=body.newcomer(), network=network, user_agent=user_agent)
        headers = {"Location": f"/v1/patients/{done.patient_id}", "Cache-Control": "no-store"}
        return json_answer(RegisteredOut.of(done), status=201, headers=headers)

    async def create_patient(self, body: PatientIn, actor: Caller) -> Response:
        """Register a patient with your clinic; neither e-mail nor account is needed.

        `possible_duplicates` names patients of the clinic with the same e-mail or phone.
        """
        new = await self.create(
            clinic_id=ClinicId(body.clinic_id),
            fields=body.fields(),
            actor=actor,
            noted=noted_of(body.external_id, body.metadata),
        )
        headers = {
            "Location": f"/v1/patients/{new.patient.id}",
            "ETag": etag_of(new.patient.version),
        }
        return making_answer(NewPatientOut.with_alike(new), [new.patient.id], headers=headers)

    async def show_patient_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the patient who was registered; the body names the same clinic as it did then."""
        body = PatientIn.model_validate(await request.json())
        new = await self.show_new(
            patient_id=PatientId(made[0]),
            clinic_id=ClinicId(body.clinic_id),
            actor=request.scope["caller"],
        )
        return json_answer(
            NewPatientOut.with_alike(new), headers={"ETag": etag_of(new.patient.version)}
        )

    async def take_on_patient(
        self, clinic_id: UUID, patient_id: UUID, body: AddressIn, actor: Caller
    ) -> Response:
        """Take on a patient with an account: they told you how they are reached.

        The e-mail or phone has to be theirs, as in the search that found them; any other is
        answered like a patient who does not exist. From then on staff see the patient and book for
        them.
        """
        patient = await self.take_on(
            clinic_id=ClinicId(clinic_id),
            patient_id=PatientId(patient_id),
            proof=body.proof(),
            actor=actor,
        )
        location = {"Location": f"/v1/patients/{patient.id}"}
        return answers.one(patient, PatientOut.of, status=201, headers=location)

    async def name_patient(
        self, clinic_id: UUID, patient_id: UUID, body: CalledIn, actor: Caller
    ) -> Response:
        """Say what your clinic calls a patient; elsewhere nothing changes.

        It is shown to your clinic's staff only, in its lists and its days, and found by `q`.
        """
        called = await self.call(
            clinic_id=ClinicId(clinic_id),
            patient_id=PatientId(patient_id),
            known_as=body.known_as,
            actor=actor,
        )
        return answers.one(called, ListedPatientOut.of)

    async def list_patients(  # noqa: PLR0913  (one for each filter)
        self,
        request: Request,
        actor: Caller,
        *,
        clinic_id: UUID | None = None,
        q: Annotated[
            ShortText | None,
            Query(description="Part of the name, or of what the clinic calls them"),
        ] = None,
        email: Annotated[Email | None, Query(description="The whole address, any case")] = None,
        phone: Annotated[
            Phone | None, Query(description="The whole number; write `+` as `%2B`")
        ] = None,
        external_id: SoughtId = None,
        expand: ExpandItems = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the patients that you may see: those of your clinics, and yourself.

        With `clinic_id` and the exact `email` or `phone`, staff also find a patient with an account
        whom the clinic does not know yet (`is_known` is false), and see no more than the name.
        """
        clinic = None if clinic_id is None else ClinicId(clinic_id)
        ways = {"q": q, "email": email, "phone": phone, "external_id": external_id}
        _check_filters(clinic, ways)
        filters: dict[str, Any] = {"clinic_id": clinic, **ways}
        place = position_of(cursor, filters)
        search = Search(**filters, after=place and place[1], limit=limit)
        ask = self.list if email is None and phone is None else self.find
        found = await ask(search=search, actor=actor)
        show: answers.Shown[FoundPatient] = ListedPatientOut.of
        if expand:
            about: dict[str, Any] = {"kind": Kind.PATIENT, "clinic_id": clinic, "actor": actor}
            show = await with_references(self.references, found, ListedPatientOut.of, **about)
        return answers.page(request, found, show, limit=limit, filters=filters)

    async def read_patient(self, patient_id: UUID, actor: Caller) -> Response:
        """Read one patient."""
        patient = await self.show(patient_id=PatientId(patient_id), actor=actor)
        return answers.one(patient, PatientOut.of)

    async def change_patient(
        self, patient_id: UUID, body: PatientChangeIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Change a patient: who they are, and how they are reached.

        Of somebody with an account only the owner does. Without one: staff of the clinic that
        registered the patient, or of the only one that knows them.
        """
        patient = await self.change(
            patient_id=PatientId(patient_id),
            changes=body.given(),
            version=expected_version(if_match),
            actor=actor,
        )
        return answers.one(patient, PatientOut.of)


def _check_filters(clinic: ClinicId | None, ways: dict[str, str | None]) -> None:
    """Raise `Invalid` for more than one way to look, and for all but `q` without a clinic."""
    given = [name for name, value in ways.items() if value]
    wrong: dict[str, str] = {}
    if len(given) > 1:
        wrong = {"pointer": f"/{given[1]}", "detail": f"cannot be combined with {given[0]}"}
    elif given and "q" not in given and clinic is None:
        wrong = {"pointer": "/clinic_id", "detail": f"is needed with {given[0]}"}
    if wrong:
        raise Invalid(errors=[wrong | {"code": "combination", "in": "query"}])
