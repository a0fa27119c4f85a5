"""What became of an appointment, one entry for each version."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from booking_system.booking.domain.party import Side
from booking_system.shared_kernel.identifiers import SlotId, UserId


class Action(StrEnum):
    """What was done."""

    BOOKED = "booked"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    UNDONE = "undone"
    SLOT_INHERITED = "slot_inherited"
    PATIENT_CONFIRMED = "patient_confirmed"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    PAYMENT = "payment"


REVISING = frozenset({Action.BOOKED, Action.RESCHEDULED, Action.CANCELLED})
"""What makes a new revision: people who were told of the appointment have to be told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotTime:
    """Where an appointment stands in the calendar. UTC."""

    slot_id: SlotId
    starts_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change: `left` and `entered` say where the appointment went, if it moved.

    `user_id` is None where it was the system, and where it was not written down who it was.
    """

    version: int
    action: Action
    occurred_at: datetime
    side: Side
    user_id: UserId | None = None
    reason: str | None = None
    left: SlotTime | None = None
    entered: SlotTime | None = None
