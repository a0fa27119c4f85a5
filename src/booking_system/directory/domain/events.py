"""What the directory tells the rest of the world: ids and versions, no address and no name.

Who keeps a copy of a clinic, a doctor, a service or a list of staff reads it anew.
"""

from dataclasses import dataclass
from typing import ClassVar

from booking_system.identity.domain.actor import Role
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import (
    ClinicId,
    DoctorId,
    InvitationId,
    ServiceId,
    UserId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationMade(DomainEvent):
    """Somebody is invited to work for a clinic; invited once more, by a new invitation."""

    name: ClassVar[str] = "invitation.made"

    invitation_id: InvitationId
    clinic_id: ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicEvent(DomainEvent):
    """Something happened to a clinic, which has this version now."""

    clinic_id: ClinicId
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicCreated(ClinicEvent):
    """A clinic opened."""

    name: ClassVar[str] = "clinic.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicChanged(ClinicEvent):
    """A clinic or its policy changed."""

    name: ClassVar[str] = "clinic.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicRemoved(ClinicEvent):
    """A clinic was deleted."""

    name: ClassVar[str] = "clinic.removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicRestored(ClinicEvent):
    """A clinic is back."""

    name: ClassVar[str] = "clinic.restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorEvent(DomainEvent):
    """Something happened to a doctor of a clinic, who has this version now."""

    clinic_id: ClinicId
    doctor_id: DoctorId
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorCreated(DoctorEvent):
    """A doctor joined a clinic."""

    name: ClassVar[str] = "doctor.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorChanged(DoctorEvent):
    """What is said of a doctor changed."""

    name: ClassVar[str] = "doctor.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorRemoved(DoctorEvent):
    """A doctor was deleted."""

    name: ClassVar[str] = "doctor.removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorRestored(DoctorEvent):
    """A doctor is back."""

    name: ClassVar[str] = "doctor.restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEvent(DomainEvent):
    """Something happened to a service of a clinic, which has this version now."""

    clinic_id: ClinicId
    service_id: ServiceId
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCreated(ServiceEvent):
    """A clinic offers something new."""

    name: ClassVar[str] = "service.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChanged(ServiceEvent):
    """A service changed: its length, its price, its doctors, or what is said of it."""

    name: ClassVar[str] = "service.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRemoved(ServiceEvent):
    """A service was deleted."""

    name: ClassVar[str] = "service.removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRestored(ServiceEvent):
    """A service is back."""

    name: ClassVar[str] = "service.restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAdded(DomainEvent):
    """Somebody has a role in a clinic; `doctor_id` goes with the role of a doctor."""

    name: ClassVar[str] = "staff.added"

    clinic_id: ClinicId
    user_id: UserId
    role: Role
    doctor_id: DoctorId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRemoved(DomainEvent):
    """Somebody has no role in a clinic any more."""

    name: ClassVar[str] = "staff.removed"

    clinic_id: ClinicId
    user_id: UserId
