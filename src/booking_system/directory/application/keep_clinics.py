"""Use cases: clinics come, are looked up, and change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from booking_system.directory.application.ports import (
    DirectoryTransaction,
    DirectoryWork,
    Search,
)
from booking_system.directory.application.public_lists import PublicLists
from booking_system.directory.domain.clinic import Clinic
from booking_system.directory.domain.events import ClinicChanged, ClinicCreated
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, NotPermitted, check_seen
from booking_system.shared_kernel.identifiers import ClinicId, Identities


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateClinic:
    """Opens a clinic. Only the platform's administrators reach this."""

    transaction: DirectoryTransaction
    clock: Clock
    identities: Identities

    async def __call__(self, *, fields: Mapping[str, Any]) -> Clinic:
        """Return the new clinic. Raises `SlugTaken`."""
        now = self.clock.now()
        identity = ClinicId(self.identities.new())
        clinic = Clinic(id=identity, created_at=now, updated_at=now, **fields)
        async with self.transaction() as work:
            await work.clinics.add(clinic)
            await work.events.record(
                ClinicCreated(occurred_at=now, clinic_id=clinic.id, version=clinic.version)
            )
        return clinic


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowClinic:
    """Looks at one clinic."""

    transaction: DirectoryTransaction

    async def __call__(self, *, clinic_id: ClinicId, managed_by: Actor | None = None) -> Clinic:
        """Return it. Raises `NotFound`, and `NotPermitted` unless they manage it."""
        async with self.transaction() as work:
            clinic = await clinic_in(work, clinic_id)
        if managed_by is not None and not managed_by.manages(clinic_id):
            raise NotPermitted
        return clinic


@dataclass(frozen=True, slots=True, kw_only=True)
class ListClinics:
    """Searches clinics."""

    lists: PublicLists

    async def __call__(self, *, search: Search) -> Sequence[Clinic]:
        """Return a page, one more than `limit` where there is another page."""
        return await self.lists.clinics(search)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeClinic:
    """Changes a clinic or its policy."""

    transaction: DirectoryTransaction
    clock: Clock

    async def __call__(
        self, *, clinic_id: ClinicId, changes: Mapping[str, Any], version: int | None, actor: Actor
    ) -> Clinic:
        """Return the changed clinic.

        Raises `NotFound`, `NotPermitted`, `Stale`, `SlugTaken`, and `Invalid` for another currency
        while there are prices.
        """
        async with self.transaction() as work:
            clinic = await work.clinics.lock(clinic_id)
            if clinic is None:
                raise NotFound
            if not actor.manages(clinic_id):
                raise NotPermitted
            check_seen(version, clinic.version)
            now = self.clock.now()
            changed = clinic.changed(changes, now=now)
            if changed.currency != clinic.currency and await work.services.any_has_a_price(
                clinic_id
            ):
                raise Invalid.field("/currency", "the clinic has services with prices", "in_use")
            await work.clinics.save(changed)
            await work.events.record(
                ClinicChanged(occurred_at=now, clinic_id=clinic_id, version=changed.version)
            )
        return changed


async def clinic_in(work: DirectoryWork, clinic_id: ClinicId) -> Clinic:
    """Return the clinic. Raises `NotFound`."""
    clinic = await work.clinics.read(clinic_id)
    if clinic is None:
        raise NotFound
    return clinic


async def managed_clinic(work: DirectoryWork, clinic_id: ClinicId, actor: Actor) -> Clinic:
    """Lock a clinic that the actor manages. Raises `NotFound`, `NotPermitted`."""
    clinic = await work.clinics.lock(clinic_id)
    if clinic is None:
        raise NotFound
    if not actor.manages(clinic_id):
        raise NotPermitted
    return clinic
