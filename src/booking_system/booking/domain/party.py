"""A party to an appointment: on which side somebody stands, and who it is."""

from dataclasses import dataclass
from enum import StrEnum

from booking_system.shared_kernel.identifiers import UserId


class Side(StrEnum):
    """The clinic's staff and the doctor stand on one side, the patient on the other."""

    PATIENT = "patient"
    CLINIC = "clinic"
    # Acts on its own, as where a time limit is over.
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody who acts on one side. The system is no user, everybody else is."""

    side: Side
    user_id: UserId | None

    def __post_init__(self) -> None:
        """Raise `ValueError` where that is not so."""
        if (self.side is Side.SYSTEM) != (self.user_id is None):
            raise ValueError(f"{self.side} with {self.user_id}")


SYSTEM = Party(side=Side.SYSTEM, user_id=None)
"""As which the program acts."""
