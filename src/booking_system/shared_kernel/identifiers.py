"""Identities, one type each, so that a patient can never be passed for a doctor."""

from typing import NewType, Protocol
from uuid import UUID

UserId = NewType("UserId", UUID)
SessionId = NewType("SessionId", UUID)
ClinicId = NewType("ClinicId", UUID)
DoctorId = NewType("DoctorId", UUID)
ServiceId = NewType("ServiceId", UUID)
PatientId = NewType("PatientId", UUID)
SlotId = NewType("SlotId", UUID)
AppointmentId = NewType("AppointmentId", UUID)
RuleId = NewType("RuleId", UUID)
TimeOffId = NewType("TimeOffId", UUID)
ClosureId = NewType("ClosureId", UUID)
HoldId = NewType("HoldId", UUID)
InvitationId = NewType("InvitationId", UUID)


class Identities(Protocol):
    """Makes new identities; a port, because the domain holds no hidden randomness."""

    def new(self) -> UUID:
        """Return a fresh UUID, version 7 (RFC 9562, section 5.7): later ones sort later."""
        ...
