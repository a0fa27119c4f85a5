"""Removing and restoring over HTTP: appointments decide whether it may be."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import BaseModel

from booking_system.booking.domain.refusals import CancelTooLate
from booking_system.desk.adapters.conflict_models import BookingsProblem, RestoreProblem
from booking_system.desk.application.remove import Remove, Restore
from booking_system.desk.domain.refusals import BookingsAffected, RestoreConflict
from booking_system.desk.domain.removal import Kind, OnConflict
from booking_system.directory.records.clinic_models import ClinicOut
from booking_system.directory.records.doctor_models import DoctorOut
from booking_system.directory.records.patient_shown import PatientOut
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, expected_version
from booking_system.platform.http.once import Again, InOneTransaction
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Refusal, Stale

Caller = Annotated[Actor, Depends(caller)]
Conflicts = Annotated[
    OnConflict | None,
    Query(description="What becomes of appointments to come; unset: `409` where there are any"),
]


class ShowsOne(Protocol):
    """Answers with a doctor or a clinic, as the directory shows it."""

    def __call__(self, identity: UUID, /) -> Awaitable[Response]:
        """Raise `NotFound` where there is none."""
        ...


class ShowsPatient(Protocol):
    """Answers with a patient, as the directory shows them to this caller."""

    def __call__(self, identity: UUID, actor: Actor, /) -> Awaitable[Response]:
        """Raise `NotFound`, `NotPermitted`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRoutes:
    """HTTP for going and coming back.

    Everybody may read doctors and clinics, so a repeated request is asked for its caller's role.
    """

    remove: Remove
    restore: Restore
    show_doctor: ShowsOne
    show_doctor_again: Again
    show_clinic: ShowsOne
    show_clinic_again: Again
    show_patient: ShowsPatient

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Doctors")
        doctor, clinic, patient = Kind.DOCTOR, Kind.CLINIC, Kind.PATIENT
        self._add_delete(routes, doctor, self.delete_doctor)
        self._add_restore(routes, doctor, self.restore_doctor, DoctorOut, self.show_doctor_again)
        self._add_delete(routes, clinic, self.delete_clinic)
        self._add_restore(routes, clinic, self.restore_clinic, ClinicOut, self.show_clinic_again)
        self._add_delete(routes, patient, self.delete_patient, CancelTooLate)
        self._add_restore(routes, patient, self.restore_patient, PatientOut)
        self._add_delete(routes, Kind.SERVICE, self.delete_service)
        return routes

    def _add_delete(
        self,
        routes: Routes,
        kind: Kind,
        endpoint: Callable[..., Awaitable[Response]],
        *more: type[Refusal],
    ) -> None:
        routes.add(
            "DELETE",
            f"/v1/{kind}s/{{{kind}_id}}",
            endpoint,
            tag=f"{kind.title()}s",
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[NotFound, NotPermitted, Stale, BookingsAffected, *more],
            problems={409: BookingsProblem},
        )

    def _add_restore(
        self,
        routes: Routes,
        kind: Kind,
        endpoint: Callable[..., Awaitable[Response]],
        answers: type[BaseModel],
        again: Again | None = None,
    ) -> None:
        routes.add(
            "POST",
            f"/v1/{kind}s/{{{kind}_id}}/restore",
            endpoint,
            tag=f"{kind.title()}s",
            policy=signed_in,
            answers=answers,
            refuses=[NotFound, NotPermitted, RestoreConflict],
            problems={409: RestoreProblem},
            once=InOneTransaction(again=again),
        )

    async def _delete(
        self,
        kind: Kind,
        identity: UUID,
        on_conflict: OnConflict | None,
        if_match: str | None,
        actor: Actor,
    ) -> Response:
        await self.remove(
            kind=kind,
            identity=identity,
            on_conflict=on_conflict,
            version=expected_version(if_match),
            actor=actor,
        )
        return Response(status_code=204)

    async def delete_doctor(
        self,
        doctor_id: UUID,
        actor: Caller,
        on_conflict: Conflicts = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Remove a doctor: closes the slots to come. Booked appointments are kept or cancelled."""
        return await self._delete(Kind.DOCTOR, doctor_id, on_conflict, if_match, actor)

    async def restore_doctor(self, doctor_id: UUID, actor: Caller) -> Response:
        """Restore a doctor, with the slots that the removal closed."""
        await self.restore(kind=Kind.DOCTOR, identity=doctor_id, actor=actor)
        return await self.show_doctor(doctor_id)

    async def delete_clinic(
        self,
        clinic_id: UUID,
        actor: Caller,
        on_conflict: Conflicts = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Remove a clinic: closes its slots to come. Booked appointments are kept or cancelled."""
        return await self._delete(Kind.CLINIC, clinic_id, on_conflict, if_match, actor)

    async def restore_clinic(self, clinic_id: UUID, actor: Caller) -> Response:
        """Restore a clinic, with the slots that the removal closed."""
        await self.restore(kind=Kind.CLINIC, identity=clinic_id, actor=actor)
        return await self.show_clinic(clinic_id)

    async def delete_patient(
        self,
        patient_id: UUID,
        actor: Caller,
        on_conflict: Conflicts = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Remove a patient. Appointments to come are kept or cancelled."""
        return await self._delete(Kind.PATIENT, patient_id, on_conflict, if_match, actor)

    async def restore_patient(self, patient_id: UUID, actor: Caller) -> Response:
        """Restore a patient."""
        await self.restore(kind=Kind.PATIENT, identity=patient_id, actor=actor)
        return await self.show_patient(patient_id, actor)

    async def delete_service(
        self,
        service_id: UUID,
        actor: Caller,
        on_conflict: Conflicts = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Remove a service from a clinic. Booked appointments are kept or cancelled."""
        return await self._delete(Kind.SERVICE, service_id, on_conflict, if_match, actor)
