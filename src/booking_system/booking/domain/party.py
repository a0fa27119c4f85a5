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
    """Somebody who acts on one side. The system is no user, and clinics act through users.

    A patient without an account is none either: their telephone says who they are.
    """

    side: Side
    user_id: UserId | None

    def __post_init__(self) -> None:
        """Raise `ValueError` where that is not so."""
        is_user = self.user_id is not None
        if (self.side is Side.SYSTEM and is_user) or (self.side is Side.CLINIC and not is_user):
            raise ValueError(f"{self.side} with {self.user_id}")


SYSTEM = Party(side=Side.SYSTEM, user_id=None)
"""As which the program acts."""
