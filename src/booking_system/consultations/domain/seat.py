"""Who can be in a room: three seats, and what they may signal to each other."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID

from booking_system.shared_kernel.identifiers import AppointmentId, SessionId

GuestId = NewType("GuestId", UUID)


class Seat(StrEnum):
    """A place in the room; each is taken once, the newest page has it."""

    DOCTOR = "doctor"
    PATIENT = "patient"
    GUEST = "guest"


RANKS = {Seat.DOCTOR: 0, Seat.PATIENT: 1, Seat.GUEST: 2}


def offers_to(one: Seat, other: Seat) -> bool:
    """Say whether the page of the first makes the offers between the two: never both of them."""
    return RANKS[one] < RANKS[other]


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody with a ticket for a seat of a room.

    `user_id` is an account, a guest's own id where they have none; `subject_id` is what makes it
    their seat: the doctor, the patient, or the guest.
    """

    room_id: AppointmentId
    seat: Seat
    user_id: UUID
    subject_id: UUID
    session_id: SessionId | None
