"""A doctor of one clinic."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from booking_system.shared_kernel.identifiers import ClinicId, DoctorId


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """A doctor, as patients see one. Languages are ISO 639 codes."""

    id: DoctorId
    clinic_id: ClinicId
    full_name: str
    title: str | None = None
    specialty: str | None = None
    languages: tuple[str, ...] = ()
    bio: str | None = None
    photo_url: str | None = None
    version: int = 1
    created_at: datetime
    updated_at: datetime

    def changed(self, changes: Mapping[str, Any], *, now: datetime) -> Self:
        """Return the doctor with these fields changed."""
        return replace(self, **changes, version=self.version + 1, updated_at=now)
