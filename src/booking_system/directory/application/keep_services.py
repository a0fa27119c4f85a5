"""Use cases: services of a clinic come, change, and come back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from booking_system.directory.application.keep_clinics import clinic_in, managed_clinic
from booking_system.directory.application.ports import (
    DirectoryTransaction,
    DirectoryWork,
    Search,
)
from booking_system.directory.application.public_lists import PublicLists
from booking_system.directory.application.reference_ports import Owner
from booking_system.directory.domain.events import (
    ServiceChanged,
    ServiceCreated,
    ServiceRestored,
)
from booking_system.directory.domain.references import Kind, Noted
from booking_system.directory.domain.service import Service
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, NotPermitted, check_seen
from booking_system.shared_kernel.identifiers import ClinicId, Identities, ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateService:
    """A clinic offers something new."""

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
    ) -> Service:
        """Return the new service, of which is `noted` what another system calls it.

        Raises `ExternalIdTaken`, `NotFound`, `NotPermitted`, `Invalid`.
        """
        now = self.clock.now()
        service = Service(
            id=ServiceId(self.identities.new()),
            clinic_id=clinic_id,
            created_at=now,
            updated_at=now,
            **fields,
        )
        async with self.transaction() as work:
            clinic = await managed_clinic(work, clinic_id, actor)
            service.check_money(clinic.currency)
            await _check_doctors(work, service)
            await work.services.add(service)
            if noted is not None:
                owner = Owner(kind=Kind.SERVICE, id=service.id, clinic_id=clinic_id)
                await work.references.note(owner, noted)
            await work.events.record(ServiceCreated(occurred_at=now, **_told(service)))
        return service


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowService:
    """Looks at one service."""

    transaction: DirectoryTransaction

    async def __call__(self, *, service_id: ServiceId, managed_by: Actor | None = None) -> Service:
        """Return it. Raises `NotFound`, and `NotPermitted` unless they manage the clinic."""
        async with self.transaction() as work:
            service = await work.services.read(service_id)
        if service is None:
            raise NotFound
        if managed_by is not None and not managed_by.manages(service.clinic_id):
            raise NotPermitted
        return service


@dataclass(frozen=True, slots=True, kw_only=True)
class ListServices:
    """Lists what a clinic offers."""

    lists: PublicLists

    async def __call__(self, *, clinic_id: ClinicId, search: Search) -> Sequence[Service]:
        """Return a page, one more than `limit` where there is another. Raises `NotFound`."""
        found = await self.lists.services(search)
        if not found and not await self.lists.has_clinic(clinic_id):
            raise NotFound
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeService:
    """Changes a service; appointments keep the price that they were booked at."""

    transaction: DirectoryTransaction
    clock: Clock

    async def __call__(
        self,
        *,
        service_id: ServiceId,
        changes: Mapping[str, Any],
        version: int | None,
        actor: Actor,
    ) -> Service:
        """Return the changed service. Raises `NotFound`, `NotPermitted`, `Stale`, `Invalid`."""
        async with self.transaction() as work:
            service = await _locked(work, service_id, version, actor)
            now = self.clock.now()
            changed = service.changed(changes, now=now)
            changed.check_money((await clinic_in(work, service.clinic_id)).currency)
            if changed.doctor_ids != service.doctor_ids:
                await _check_doctors(work, changed)
            await work.services.save(changed)
            await work.events.record(ServiceChanged(occurred_at=now, **_told(changed)))
        return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreService:
    """Brings a deleted service back."""

    transaction: DirectoryTransaction
    clock: Clock

    async def __call__(self, *, service_id: ServiceId, actor: Actor) -> Service:
        """Return it; one that was never deleted is returned as it is.

        Raises `NotFound`, `NotPermitted`.
        """
        async with self.transaction() as work:
            deleted = await work.services.lock(service_id, deleted=True)
            service = deleted or await work.services.read(service_id)
            if service is None:
                raise NotFound
            if not actor.manages(service.clinic_id):
                raise NotPermitted
            if deleted is None:
                return service
            now = self.clock.now()
            restored = deleted.changed({}, now=now)
            await work.services.mark(restored, deleted_at=None)
            await work.events.record(ServiceRestored(occurred_at=now, **_told(restored)))
        return restored


def _told(service: Service) -> dict[str, Any]:
    return {
        "clinic_id": service.clinic_id,
        "service_id": service.id,
        "version": service.version,
    }


async def _locked(
    work: DirectoryWork, service_id: ServiceId, version: int | None, actor: Actor
) -> Service:
    service = await work.services.lock(service_id)
    if service is None:
        raise NotFound
    if not actor.manages(service.clinic_id):
        raise NotPermitted
    check_seen(version, service.version)
    return service


async def _check_doctors(work: DirectoryWork, service: Service) -> None:
    strangers = await work.services.strangers(service.clinic_id, service.doctor_ids)
    for place, doctor_id in enumerate(service.doctor_ids):
        if doctor_id in strangers:
            raise Invalid.field(f"/doctor_ids/{place}", "is no doctor of this clinic", "unknown")
