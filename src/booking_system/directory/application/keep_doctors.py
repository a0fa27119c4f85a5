"""Use cases: doctors come, are looked up, and change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from booking_system.directory.application.keep_clinics import managed_clinic
from booking_system.directory.application.ports import DirectoryTransaction, Search
from booking_system.directory.application.public_lists import PublicLists
from booking_system.directory.application.reference_ports import Owner
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.events import DoctorChanged, DoctorCreated
from booking_system.directory.domain.references import Kind, Noted
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, NotPermitted, check_seen
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, Identities


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDoctor:
    """A doctor joins a clinic."""

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
    ) -> Doctor:
        """Return the new doctor, of whom is `noted` what another system calls them.

        Raises `ExternalIdTaken`, `NotFound`, `NotPermitted`.
        """
        now = self.clock.now()
        doctor = Doctor(
            id=DoctorId(self.identities.new()),
            clinic_id=clinic_id,
            created_at=now,
            updated_at=now,
            **fields,
        )
        async with self.transaction() as work:
            await managed_clinic(work, clinic_id, actor)
            await work.doctors.add(doctor)
            if noted is not None:
                owner = Owner(kind=Kind.DOCTOR, id=doctor.id, clinic_id=clinic_id)
                await work.references.note(owner, noted)
            await work.events.record(
                DoctorCreated(
                    occurred_at=now,
                    clinic_id=clinic_id,
                    doctor_id=doctor.id,
                    version=doctor.version,
                )
            )
        return doctor


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowDoctor:
    """Looks at one doctor."""

    transaction: DirectoryTransaction

    async def __call__(self, *, doctor_id: DoctorId, managed_by: Actor | None = None) -> Doctor:
        """Return them. Raises `NotFound`; `NotPermitted` where `managed_by` may not change them."""
        async with self.transaction() as work:
            doctor = await work.doctors.read(doctor_id)
        if doctor is None:
            raise NotFound
        if managed_by is not None and not managed_by.manages(doctor.clinic_id):
            raise NotPermitted
        return doctor


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDoctors:
    """Searches doctors."""

    lists: PublicLists

    async def __call__(self, *, search: Search) -> Sequence[Doctor]:
        """Return a page, one more than `limit` where there is another page.

        Raises `Invalid` where nobody is found because there is no such service.
        """
        found = await self.lists.doctors(search)
        if found or search.service_id is None or search.after is not None:
            return found
        if not await self.lists.has_service(search.service_id):
            raise Invalid.field("/service_id", "names nothing that there is", "unknown")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDoctor:
    """Changes what is said of a doctor; the clinic's administrators and the doctor may."""

    transaction: DirectoryTransaction
    clock: Clock

    async def __call__(
        self, *, doctor_id: DoctorId, changes: Mapping[str, Any], version: int | None, actor: Actor
    ) -> Doctor:
        """Return the changed doctor. Raises `NotFound`, `NotPermitted`, `Stale`."""
        async with self.transaction() as work:
            doctor = await work.doctors.lock(doctor_id)
            if doctor is None:
                raise NotFound
            if not (actor.manages(doctor.clinic_id) or doctor_id in actor.doctor_ids):
                raise NotPermitted
            check_seen(version, doctor.version)
            now = self.clock.now()
            changed = doctor.changed(changes, now=now)
            await work.doctors.save(changed)
            await work.events.record(
                DoctorChanged(
                    occurred_at=now,
                    clinic_id=changed.clinic_id,
                    doctor_id=doctor_id,
                    version=changed.version,
                )
            )
        return changed
