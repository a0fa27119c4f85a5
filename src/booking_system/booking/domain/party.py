"""A party to an appointment: on which side somebody stands, and who it is."""

from dataclasses import dataclass
from enum import StrEnum

from booking_system.shared_kernel.identifiers import UserId


class Side(StrEnum):
    """The clinic's staff and the doctor stand on one side, the patient on the other."""

    PATIENT = "patient"
    CLINIC = "clinic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody who acts on one side."""

    side: Side
    user_id: UserId
