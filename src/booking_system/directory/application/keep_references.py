"""Use cases: a clinic's staff note what other systems call its doctors, services and patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from booking_system.directory.application.keep_clinics import clinic_in
from booking_system.directory.application.ports import DirectoryTransaction, DirectoryWork
from booking_system.directory.application.reference_ports import Owner
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.references import Kind, Noted, References
from booking_system.directory.domain.service import Service
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, PatientId, ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedRecord:
    """Of which record they are; the `clinic_id` is said of patients, whom several clinics know."""

    kind: Kind
    id: DoctorId | ServiceId | PatientId
    clinic_id: ClinicId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowReferences:
    """Staff look at them."""

    transaction: DirectoryTransaction

    async def __call__(self, *, of: NotedRecord, actor: Actor) -> References:
        """Return them. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            owner = await _owner(work, of, actor)
            if not may_see(owner.kind, owner.clinic_id, actor):
                raise NotPermitted
            return await work.references.read(owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReferences:
    """Those of a page of records, for people of whom the caller has asked `may_see`."""

    transaction: DirectoryTransaction

    async def __call__(
        self, *, kind: Kind, clinic_id: ClinicId, ids: Sequence[UUID]
    ) -> Mapping[UUID, References]:
        """Return them by id; absent is a record of which nothing is noted."""
        if not ids:
            return {}
        async with self.transaction() as work:
            return await work.references.page(kind, clinic_id, ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReferences:
    """Staff who may change the record change them."""

    transaction: DirectoryTransaction

    async def __call__(self, *, of: NotedRecord, noted: Noted, actor: Actor) -> References:
        """Return all of them. Raises `NotFound`, `NotPermitted`, `ExternalIdTaken`, `Invalid`."""
        async with self.transaction() as work:
            owner = await _owner(work, of, actor)
            is_patient = owner.kind is Kind.PATIENT
            may = actor.works_at if is_patient else actor.manages
            if not may(owner.clinic_id):
                raise NotPermitted
            return await work.references.note(owner, noted)


def may_see(kind: Kind, clinic_id: ClinicId, actor: Actor | None) -> bool:
    """Say whether the actor may read references of such records, and look for one by its id."""
    if actor is None:
        return False
    return actor.works_at(clinic_id) or (kind is not Kind.PATIENT and actor.manages(clinic_id))


async def _owner(work: DirectoryWork, of: NotedRecord, actor: Actor) -> Owner:
    """Return whose they are. Raises `NotFound`; `NotPermitted` before a patient is looked for."""
    clinic_id = of.clinic_id
    if clinic_id is None:
        record: Doctor | Service | None
        if of.kind is Kind.DOCTOR:
            record = await work.doctors.read(DoctorId(of.id))
        else:
            record = await work.services.read(ServiceId(of.id))
        if record is None:
            raise NotFound
        return Owner(kind=of.kind, id=of.id, clinic_id=record.clinic_id)
    await clinic_in(work, clinic_id)
    if not actor.works_at(clinic_id):
        raise NotPermitted
    patient = await work.patients.read(PatientId(of.id))
    if patient is None or clinic_id not in (await work.patients.acquaintance(patient.id)).known_to:
        raise NotFound
    return Owner(kind=of.kind, id=of.id, clinic_id=clinic_id)
