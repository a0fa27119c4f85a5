"""What other systems call doctors, services and patients, over HTTP: for a clinic's staff."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from booking_system.directory.application.keep_references import (
    ChangeReferences,
    NotedRecord,
    ShowReferences,
)
from booking_system.directory.domain.references import ExternalIdTaken, Kind
from booking_system.directory.records.references_shown import ReferencesIn, ReferencesOut
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, PatientId, ServiceId

Caller = Annotated[Actor, Depends(caller)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRoutes:
    """HTTP for references."""

    show: ShowReferences
    change: ChangeReferences

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Connecting")
        for of, read, change in (
            ("/v1/doctors/{doctor_id}", self.read_doctor_references, self.change_doctor_references),
            (
                "/v1/services/{service_id}",
                self.read_service_references,
                self.change_service_references,
            ),
            (
                "/v1/clinics/{clinic_id}/patients/{patient_id}",
                self.read_patient_references,
                self.change_patient_references,
            ),
        ):
            path, refuses = f"{of}/references", [NotFound, NotPermitted]
            routes.add("GET", path, read, policy=signed_in, answers=ReferencesOut, refuses=refuses)
            routes.add(
                "PATCH",
                path,
                change,
                policy=signed_in,
                answers=ReferencesOut,
                refuses=[*refuses, ExternalIdTaken],
            )
        return routes

    async def read_doctor_references(self, doctor_id: UUID, actor: Caller) -> Response:
        """Read what another system calls a doctor of your clinic."""
        return await self._read(_doctor(doctor_id), actor)

    async def change_doctor_references(
        self, doctor_id: UUID, body: ReferencesIn, actor: Caller
    ) -> Response:
        """Note what another system calls a doctor. The clinic's administrators do."""
        return await self._change(_doctor(doctor_id), body, actor)

    async def read_service_references(self, service_id: UUID, actor: Caller) -> Response:
        """Read what another system calls a service of your clinic."""
        return await self._read(_service(service_id), actor)

    async def change_service_references(
        self, service_id: UUID, body: ReferencesIn, actor: Caller
    ) -> Response:
        """Note what another system calls a service. The clinic's administrators do."""
        return await self._change(_service(service_id), body, actor)

    async def read_patient_references(
        self, clinic_id: UUID, patient_id: UUID, actor: Caller
    ) -> Response:
        """Read what another system of your clinic calls a patient."""
        return await self._read(_patient(clinic_id, patient_id), actor)

    async def change_patient_references(
        self, clinic_id: UUID, patient_id: UUID, body: ReferencesIn, actor: Caller
    ) -> Response:
        """Note what another system of your clinic calls a patient.

        Neither the patient nor another clinic that knows them is shown any of it.
        """
        return await self._change(_patient(clinic_id, patient_id), body, actor)

    async def _read(self, of: NotedRecord, actor: Actor) -> Response:
        return json_answer(ReferencesOut.of(await self.show(of=of, actor=actor)))

    async def _change(self, of: NotedRecord, body: ReferencesIn, actor: Actor) -> Response:
        changed = await self.change(of=of, noted=body.given(), actor=actor)
        return json_answer(ReferencesOut.of(changed))


def _doctor(doctor_id: UUID) -> NotedRecord:
    return NotedRecord(kind=Kind.DOCTOR, id=DoctorId(doctor_id))


def _service(service_id: UUID) -> NotedRecord:
    return NotedRecord(kind=Kind.SERVICE, id=ServiceId(service_id))


def _patient(clinic_id: UUID, patient_id: UUID) -> NotedRecord:
    return NotedRecord(kind=Kind.PATIENT, id=PatientId(patient_id), clinic_id=ClinicId(clinic_id))
