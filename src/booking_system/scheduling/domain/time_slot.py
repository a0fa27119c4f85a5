"""A time slot: one stretch of a doctor's time that at most one appointment owns."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from booking_system.scheduling.domain.hold import Hold
from booking_system.scheduling.domain.refusals import (
    SlotAlreadyBooked,
    SlotHeld,
    SlotUnavailable,
)
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, DoctorId, SlotId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period


class SlotStatus(StrEnum):
    """What a client sees of a slot at one instant; derived from its owner, never stored."""

    OPEN = "open"
    HELD = "held"
    BOOKED = "booked"
    CLOSED = "closed"


class ClosedBecause(StrEnum):
    """Why a slot is closed: what closed it may open it again, and nothing else."""

    BY_HAND = "by_hand"
    DOCTOR_REMOVED = "doctor_removed"
    CLINIC_REMOVED = "clinic_removed"
    TIME_OFF = "time_off"
    CLOSURE = "closure"
    OUTSIDE_AVAILABILITY = "outside_availability"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSlot:
    """A slot and its owner: the appointment that has it or the hold that keeps it, if any.

    A booked slot can be closed as well (its doctor was removed): it stays booked until the
    appointment lets go of it, and does not open then. One that lies outside of the weekly hours
    by now is still good for whoever holds it, and closed when they let go of it.
    One that `is_blocked` lies in the time that is kept free around an appointment; one that
    `is_outside` lies outside of the weekly hours, also where something else has closed it.
    """

    id: SlotId
    clinic_id: ClinicId
    doctor_id: DoctorId
    period: Period
    mode: Mode
    appointment_id: AppointmentId | None = None
    closed_because: ClosedBecause | None = None
    is_blocked: bool = False
    is_outside: bool = False
    hold: Hold | None = None
    version: int = 1

    def status(self, now: datetime) -> SlotStatus:
        """An appointment decides first, then whether it is closed, then whether it is held.

        The time around an appointment is as little to be had as its own.
        """
        if self.appointment_id is not None:
            return SlotStatus.BOOKED
        if self.is_closed(now):
            return SlotStatus.CLOSED
        if self.is_blocked:
            return SlotStatus.BOOKED
        return SlotStatus.OPEN if self.hold_in_force(now) is None else SlotStatus.HELD

    def is_closed(self, now: datetime) -> bool:
        """Say whether nobody can book it, whoever holds it."""
        if self.closed_because is ClosedBecause.OUTSIDE_AVAILABILITY:
            return self.hold_in_force(now) is None
        return self.closed_because is not None

    def hold_in_force(self, now: datetime) -> Hold | None:
        """Return the hold that keeps the slot; None where there is none, or where it is over."""
        return self.hold if self.hold is not None and self.hold.is_in_force(now) else None

    def has_begun(self, now: datetime) -> bool:
        """Say whether its first instant has passed."""
        return self.period.starts_at <= now

    def is_over(self, now: datetime) -> bool:
        """Say whether its last instant has passed."""
        return self.period.ends_at <= now

    def closed(self, *, now: datetime) -> Self:
        """Close it by hand. Closing twice changes nothing.

        Raises `SlotAlreadyBooked`, and `SlotHeld` while somebody is booking it.
        """
        self._check_is_nobodys(now)
        if self.closed_because is not None:
            return self
        return replace(self, closed_because=ClosedBecause.BY_HAND, version=self.version + 1)

    def reopened(self) -> Self:
        """Take back a close by hand.

        Raises `SlotUnavailable` where something else closed it, or where no rule wants it.
        """
        if self.closed_because is None:
            return self
        if self.closed_because is not ClosedBecause.BY_HAND or self.is_outside:
            raise SlotUnavailable
        return replace(self, closed_because=None, version=self.version + 1)

    def withdrawn(self, *, now: datetime) -> Self:
        """Prepare to delete it. Raises `SlotAlreadyBooked`, `SlotHeld`."""
        self._check_is_nobodys(now)
        return replace(self, version=self.version + 1)

    def _check_is_nobodys(self, now: datetime) -> None:
        if self.appointment_id is not None:
            raise SlotAlreadyBooked
        if self.hold_in_force(now) is not None:
            raise SlotHeld
