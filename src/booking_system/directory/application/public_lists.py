"""What anybody may read of the directory, outside of any transaction."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from booking_system.directory.application.ports import Search
from booking_system.directory.domain.clinic import Clinic
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.service import Service
from booking_system.shared_kernel.identifiers import ClinicId, ServiceId

Listed = Literal["clinics", "doctors", "services"]


class PublicLists(Protocol):
    """What anybody may read of the directory, by age, one more than `limit` where there are more.

    Of everything that is not deleted, in clinics that are not deleted.
    """

    async def clinics(self, search: Search) -> Sequence[Clinic]:
        """Return clinics."""
        ...

    async def doctors(self, search: Search) -> Sequence[Doctor]:
        """Return doctors."""
        ...

    async def services(self, search: Search) -> Sequence[Service]:
        """Return services."""
        ...

    async def digest(self, listed: Listed, search: Search) -> Hashable:
        """Return something that differs whenever the page would."""
        ...

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Say whether there is such a clinic."""
        ...

    async def has_service(self, service_id: ServiceId) -> bool:
        """Say whether there is such a service."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestList:
    """Says whether a list would still show what it showed before, without reading it."""

    lists: PublicLists

    async def __call__(self, *, listed: Listed, search: Search) -> Hashable:
        """Return something that differs whenever the page would."""
        return await self.lists.digest(listed, search)
