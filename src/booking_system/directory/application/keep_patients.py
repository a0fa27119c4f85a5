"""Use cases: staff register patients; patients and staff look them up and change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from booking_system.directory.application.keep_clinics import clinic_in
from booking_system.directory.application.ports import (
    DirectoryTransaction,
    DirectoryWork,
    Search,
)
from booking_system.directory.application.reference_ports import Owner
from booking_system.directory.domain.patient import (
    Acquaintance,
    FoundPatient,
    NewPatient,
    Patient,
)
from booking_system.directory.domain.references import Kind, Noted
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted, check_seen
from booking_system.shared_kernel.identifiers import ClinicId, Identities, PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePatient:
    """Staff register a patient, with or without a way to reach them."""

    transaction: DirectoryTransaction
    clock: Clock
    identities: Identities

    async def __call__(
        self,
        *,
        clinic_id: ClinicId,
        fields: Mapping[str, Any],
        actor: Actor,
        noted: Noted | None = None,
    ) -> NewPatient:
        """Return the new patient, whom the clinic knows, and who may be the same person.

        Of the patient is `noted` what another system of the clinic calls them. Raises
        `ExternalIdTaken`, `NotFound`, `NotPermitted`.
        """
        now = self.clock.now()
        identity = PatientId(self.identities.new())
        patient = Patient(id=identity, created_at=now, updated_at=now, **fields)
        async with self.transaction() as work:
            await clinic_in(work, clinic_id)
            if not actor.works_at(clinic_id):
                raise NotPermitted
            await work.patients.add(patient, user_id=None, clinic_id=clinic_id)
            if noted is not None:
                owner = Owner(kind=Kind.PATIENT, id=patient.id, clinic_id=clinic_id)
                await work.references.note(owner, noted)
            return await _with_alike(work, patient, clinic_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowNewPatient:
    """Looks at a patient as after staff have registered them."""

    transaction: DirectoryTransaction

    async def __call__(
        self, *, patient_id: PatientId, clinic_id: ClinicId, actor: Actor
    ) -> NewPatient:
        """Return the patient, and who may be the same person by now. Raises `NotFound`."""
        async with self.transaction() as work:
            patient = await _visible(work, await work.patients.read(patient_id), actor)
            if not actor.works_at(clinic_id):
                return NewPatient(patient=patient)
            return await _with_alike(work, patient, clinic_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowPatient:
    """Looks at one patient."""

    transaction: DirectoryTransaction

    async def __call__(self, *, patient_id: PatientId, actor: Actor) -> Patient:
        """Return the patient. Raises `NotFound`, also for one whom the actor may not see."""
        async with self.transaction() as work:
            patient = await work.patients.read(patient_id)
            return await _visible(work, patient, actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPatients:
    """Lists the patients that the actor may see: their clinics', and themselves."""

    transaction: DirectoryTransaction

    async def __call__(self, *, search: Search, actor: Actor) -> Sequence[FoundPatient]:
        """Return a page, one more than `limit` where there is another page."""
        clinics = actor.staff_of
        if search.clinic_id is not None:
            clinics = clinics & {search.clinic_id}
        own = actor.patient_id if search.clinic_id is None else None
        async with self.transaction() as work:
            return await work.patients.page(replace(search, clinic_ids=clinics, patient_id=own))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPatient:
    """A clinic calls a patient something, among its own people."""

    transaction: DirectoryTransaction

    async def __call__(
        self, *, clinic_id: ClinicId, patient_id: PatientId, known_as: str | None, actor: Actor
    ) -> FoundPatient:
        """Return the patient as the clinic has them. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            await clinic_in(work, clinic_id)
            if not actor.works_at(clinic_id):
                raise NotPermitted
            called = await work.patients.call(patient_id, clinic_id=clinic_id, known_as=known_as)
        if called is None:
            raise NotFound
        return called


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePatient:
    """Changes who a patient is and how they are reached: what one clinic may, if not the owner."""

    transaction: DirectoryTransaction
    clock: Clock

    async def __call__(
        self,
        *,
        patient_id: PatientId,
        changes: Mapping[str, Any],
        version: int | None,
        actor: Actor,
    ) -> Patient:
        """Return the changed patient. Raises `NotFound`, `NotPermitted`, `Stale`."""
        async with self.transaction() as work:
            patient, known = await _known(work, await work.patients.lock(patient_id), actor)
            changed = patient.changed(changes, by=actor, known=known, now=self.clock.now())
            check_seen(version, patient.version)
            await work.patients.save(changed)
        return changed


async def _with_alike(work: DirectoryWork, patient: Patient, clinic_id: ClinicId) -> NewPatient:
    return NewPatient(patient=patient, alike=tuple(await work.patients.alike(patient, clinic_id)))


async def _visible(work: DirectoryWork, patient: Patient | None, actor: Actor) -> Patient:
    return (await _known(work, patient, actor))[0]


async def _known(
    work: DirectoryWork, patient: Patient | None, actor: Actor
) -> tuple[Patient, Acquaintance]:
    if patient is None:
        raise NotFound
    known = await work.patients.acquaintance(patient.id)
    if not patient.is_visible_to(actor, known.known_to):
        raise NotFound
    return patient, known
