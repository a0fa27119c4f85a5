"""A member of a clinic's staff, as the clinic's administrators see one."""

from dataclasses import dataclass

from booking_system.identity.domain.actor import Role
from booking_system.shared_kernel.identifiers import DoctorId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """One role of one user in one clinic."""

    user_id: UserId
    email: str
    full_name: str
    role: Role
    doctor_id: DoctorId | None = None
