"""Removing and restoring over HTTP: booking's, because appointments decide whether it may be."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import BaseModel

from booking_system.booking.adapters.conflict_models import BookingsProblem, RestoreProblem
from booking_system.booking.application.remove import Remove, Restore
from booking_system.booking.domain.refusals import BookingsAffected, CancelTooLate, RestoreConflict
from booking_system.booking.domain.removal import Kind, OnConflict
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, expected_version
from booking_system.platform.http.once import Again, InOneTransaction
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale

Caller = Annotated[Actor, Depends(caller)]
Conflicts = Annotated[
    OnConflict | None,
    Query(description="What becomes of appointments to come; unset: `409` where there are any"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removing:
    """One kind of thing that goes and comes back, and how the one that is back is shown."""

    kind: Kind
    remove: Remove
    restore: Restore
    show: Callable[..., Awaitable[Response]]
    answers: type[BaseModel]
    again: Again | None = None
    """Shows it again, to callers who may still bring it back."""

    async def delete(
        self, identity: UUID, on_conflict: OnConflict | None, if_match: str | None, actor: Actor
    ) -> Response:
        """Answer 204."""
        version = expected_version(if_match)
        await self.remove(identity=identity, on_conflict=on_conflict, version=version, actor=actor)
        return Response(status_code=204)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRoutes:
    """HTTP for going and coming back."""

    doctors: Removing
    clinics: Removing
    patients: Removing
    remove_service: Remove

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Doctors")
        self._add(routes, self.doctors, self.delete_doctor, self.restore_doctor)
        self._add(routes, self.clinics, self.delete_clinic, self.restore_clinic)
        self._add(routes, self.patients, self.delete_patient, self.restore_patient, CancelTooLate)
        routes.add(
            "DELETE",
            "/v1/services/{service_id}",
            self.delete_service,
            tag="Services",
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[NotFound, NotPermitted, Stale, BookingsAffected],
            problems={409: BookingsProblem},
        )
        return routes

    def _add(
        self,
        routes: Routes,
        removing: Removing,
        delete: Callable[..., Any],
        restore: Callable[..., Any],
        *more: type[CancelTooLate],
    ) -> None:
        one, tag = f"/v1/{removing.kind}s/{{{removing.kind}_id}}", f"{removing.kind.title()}s"
        routes.add(
            "DELETE",
            one,
            delete,
            tag=tag,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[NotFound, NotPermitted, Stale, BookingsAffected, *more],
            problems={409: BookingsProblem},
        )
        routes.add(
            "POST",
            f"{one}/restore",
            restore,
            tag=tag,
            policy=signed_in,
            answers=removing.answers,
            refuses=[NotFound, NotPermitted, RestoreConflict],
            problems={409: RestoreProblem},
            once=InOneTransaction(again=removing.again),
        )

    async def delete_doctor(
        self,
        doctor_id: UUID,
        actor: Caller,
        on_conflict: Conflicts = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Remove a doctor: closes the slots to come. Booked appointments are kept or cancelled."""
        return await self.doctors.delete(doctor_id, on_conflict, if_match, actor)

    async def restore_doctor(self, doctor_id: UUID, actor: Caller) -> Response:
        """Bring a doctor back, with the slots that the removal closed."""
        await self.doctors.restore(identity=doctor_id, actor=actor)
        return await self.doctors.show(doctor_id)

    async def delete_clinic(
        self,
        clinic_id: UUID,
        actor: Caller,
        on_conflict: Conflicts = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Remove a clinic: closes its slots to come. Booked appointments are kept or cancelled."""
        return await self.clinics.delete(clinic_id, on_conflict, if_match, actor)

    async def restore_clinic(self, clinic_id: UUID, actor: Caller) -> Response:
        """Bring a clinic back, with the slots that the removal closed."""
        await self.clinics.restore(identity=clinic_id, actor=actor)
        return await self.clinics.show(clinic_id)

    async def delete_patient(
        self,
        patient_id: UUID,
        actor: Caller,
        on_conflict: Conflicts = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Remove a patient. Appointments to come are kept or cancelled."""
        return await self.patients.delete(patient_id, on_conflict, if_match, actor)

    async def restore_patient(self, patient_id: UUID, actor: Caller) -> Response:
        """Bring a patient back."""
        await self.patients.restore(identity=patient_id, actor=actor)
        return await self.patients.show(patient_id, actor)

    async def delete_service(
        self,
        service_id: UUID,
        actor: Caller,
        on_conflict: Conflicts = None,
        if_match: IfMatch = None,
    ) -> Response:
        """Take a service off the clinic's list. Booked appointments are kept or cancelled."""
        await self.remove_service(
            identity=service_id,
            on_conflict=on_conflict,
            version=expected_version(if_match),
            actor=actor,
        )
        return Response(status_code=204)
