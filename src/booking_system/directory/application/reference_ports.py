"""What keeping references needs from the outside world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from booking_system.directory.domain.references import Kind, Noted, References
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, PatientId, ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The record that references are of, and the clinic whose they are."""

    kind: Kind
    id: DoctorId | ServiceId | PatientId
    clinic_id: ClinicId


class ReferenceStore(Protocol):
    """What other systems call doctors, services and patients."""

    async def read(self, owner: Owner) -> References:
        """Return what is noted."""
        ...

    async def page(
        self, kind: Kind, clinic_id: ClinicId, ids: Sequence[UUID]
    ) -> Mapping[UUID, References]:
        """Return what is noted of those of which something is."""
        ...

    async def note(self, owner: Owner, noted: Noted) -> References:
        """Store what changes and return all. Raises `ExternalIdTaken`, `Invalid`."""
        ...
