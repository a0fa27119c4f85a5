"""An actor: whoever calls, with everything that decides what they may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from booking_system.shared_kernel.identifiers import (
    ClinicId,
    DoctorId,
    PatientId,
    SessionId,
    UserId,
)


class Role(StrEnum):
    """What somebody is, on the platform or in one clinic."""

    PLATFORM_ADMIN = "platform_admin"
    CLINIC_ADMIN = "clinic_admin"
    RECEPTIONIST = "receptionist"
    DOCTOR = "doctor"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGrant:
    """One role of one user: in a clinic, as a doctor of it, or as a patient."""

    role: Role
    clinic_id: ClinicId | None = None
    doctor_id: DoctorId | None = None
    patient_id: PatientId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A signed-in user. Anonymous callers are `None`, never an actor without rights."""

    user_id: UserId
    session_id: SessionId
    patient_id: PatientId | None = None
    is_platform_admin: bool = False
    admin_of: frozenset[ClinicId] = frozenset()
    staff_of: frozenset[ClinicId] = frozenset()
    doctor_ids: frozenset[DoctorId] = frozenset()

    @classmethod
    def of(cls, user_id: UserId, session_id: SessionId, grants: Iterable[RoleGrant]) -> Self:
        """Sum up the grants; `staff_of` holds the clinics of admins and receptionists."""
        known = list(grants)
        desk = {Role.CLINIC_ADMIN, Role.RECEPTIONIST}
        return cls(
            user_id=user_id,
            session_id=session_id,
            patient_id=next((g.patient_id for g in known if g.patient_id), None),
            is_platform_admin=any(g.role is Role.PLATFORM_ADMIN for g in known),
            admin_of=frozenset(
                g.clinic_id for g in known if g.clinic_id and g.role is Role.CLINIC_ADMIN
            ),
            staff_of=frozenset(g.clinic_id for g in known if g.clinic_id and g.role in desk),
            doctor_ids=frozenset(g.doctor_id for g in known if g.doctor_id),
        )

    def manages(self, clinic_id: ClinicId) -> bool:
        """May change the clinic itself, its doctors, services and staff."""
        return self.is_platform_admin or clinic_id in self.admin_of

    def works_at(self, clinic_id: ClinicId) -> bool:
        """Is staff of the clinic: sees its patients and books for them.

        A platform administrator is not: patient data is none of theirs.
        """
        return clinic_id in self.staff_of

    def schedules(self, clinic_id: ClinicId, doctor_id: DoctorId) -> bool:
        """May change this doctor's time slots."""
        return self.is_platform_admin or clinic_id in self.staff_of or doctor_id in self.doctor_ids
