"""What the directory tells the rest of the world: ids and times, no address and no name."""

from dataclasses import dataclass
from typing import ClassVar

from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import ClinicId, InvitationId


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationMade(DomainEvent):
    """Somebody is invited to work for a clinic; invited once more, by a new invitation."""

    name: ClassVar[str] = "invitation.made"

    invitation_id: InvitationId
    clinic_id: ClinicId
