"""A day at the desk: everything in the calendar of a doctor, or a clinic, on one local day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from booking_system.booking.domain.attempt import DoctorFacts
from booking_system.booking.domain.card import AppointmentCard
from booking_system.scheduling.domain.absence import AbsenceCalendar, Closure, TimeOff
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.identifiers import AppointmentId, DoctorId
from booking_system.shared_kernel.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDoctor:
    """A doctor; one who was removed is there while somebody still has an appointment with them."""

    id: DoctorId
    about: DoctorFacts
    is_removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySlot:
    """A time slot, and whether it is kept although no rule wants it any more.

    `kept_free_for` are the appointments around which nobody else can have it.
    """

    slot: TimeSlot
    kept_free_for: Sequence[AppointmentId]
    is_outside_availability: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBooking:
    """An appointment that was not cancelled, whether or not it owns its slot.

    The clinic calls its patient `known_as`, if anything but by name.
    """

    card: AppointmentCard
    known_as: str | None
    is_outside_availability: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPage:
    """What overlaps a period, all of one moment: slots and bookings by start, absences whole."""

    doctors: Sequence[DayDoctor]
    slots: Sequence[DaySlot]
    bookings: Sequence[DayBooking]
    time_off: Sequence[TimeOff]
    closures: Sequence[Closure]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView:
    """A local day, which has 23 or 25 hours where clocks change, as it was at the instant `now`."""

    place: AbsenceCalendar
    date: date
    period: Period
    now: datetime
    page: CalendarPage
