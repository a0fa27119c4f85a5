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
    """One role of one user: in a clinic, as a doctor of it, or as a patient.

    Where the `clinic_is_removed` it is good for one thing only: to wind up the appointments that
    the clinic has left, as `Actor.winds_up` says.
    """

    role: Role
    clinic_id: ClinicId | None = None
    doctor_id: DoctorId | None = None
    patient_id: PatientId | None = None
    clinic_is_removed: bool = False


def may_manage(grants: Iterable[RoleGrant], clinic_id: ClinicId) -> bool:
    """Say whether roles that hold let their owner change a clinic, its doctors and its staff."""
    return any(
        grant.role is Role.PLATFORM_ADMIN
        or (
            grant.role is Role.CLINIC_ADMIN
            and grant.clinic_id == clinic_id
            and not grant.clinic_is_removed
        )
        for grant in grants
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A signed-in user. Anonymous callers are `None`, never an actor without rights."""

    user_id: UserId
    session_id: SessionId
    patient_id: PatientId | None = None
    is_platform_admin: bool = False
    admin_of: frozenset[ClinicId] = frozenset()
    staff_of: frozenset[ClinicId] = frozenset()
    winding_up: frozenset[ClinicId] = frozenset()
    doctor_ids: frozenset[DoctorId] = frozenset()

    @classmethod
    def of(cls, user_id: UserId, session_id: SessionId, grants: Iterable[RoleGrant]) -> Self:
        """Sum up the grants; `staff_of` holds the clinics of admins and receptionists.

        Those that are removed are in `winding_up` instead.
        """
        given = list(grants)
        desk = {Role.CLINIC_ADMIN, Role.RECEPTIONIST}
        known = [grant for grant in given if not grant.clinic_is_removed]
        return cls(
            user_id=user_id,
            session_id=session_id,
            patient_id=next((g.patient_id for g in known if g.patient_id), None),
            is_platform_admin=any(g.role is Role.PLATFORM_ADMIN for g in known),
            admin_of=frozenset(
                g.clinic_id for g in known if g.clinic_id and g.role is Role.CLINIC_ADMIN
            ),
            staff_of=frozenset(g.clinic_id for g in known if g.clinic_id and g.role in desk),
            winding_up=frozenset(
                g.clinic_id for g in given if g.clinic_id and g.role in desk and g.clinic_is_removed
            ),
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

    def winds_up(self, clinic_id: ClinicId) -> bool:
        """Was staff of the clinic when it was removed.

        They see the appointments that it has left, cancel them and say what became of them; nothing
        else: no patients, no slots, no new appointments.
        """
        return clinic_id in self.winding_up

    def schedules(self, clinic_id: ClinicId, doctor_id: DoctorId) -> bool:
        """May change this doctor's time slots."""
        return self.is_platform_admin or clinic_id in self.staff_of or doctor_id in self.doctor_ids
