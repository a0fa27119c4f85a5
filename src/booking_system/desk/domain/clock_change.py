"""A clinic's clock is set to another time zone: whose time by the clock moves, and how far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from booking_system.scheduling.domain.absence import Closure
from booking_system.scheduling.domain.local_time import day_of, offsets_within, wall_clock
from booking_system.scheduling.domain.refusals import NonexistentLocalTime
from booking_system.shared_kernel.identifiers import AppointmentId, DoctorId, SlotId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicClock:
    """What calendars hang on: where the clinic's clock is, and how far ahead it takes bookings."""

    time_zone: str
    horizon_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of time, in UTC, and how far the clock is ahead of UTC in the old and new zone."""

    starts_at: datetime
    ends_at: datetime
    ahead_before: timedelta
    ahead_now: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedBooking:
    """An appointment that is kept at its instant, at which the clock shows another time now.

    `starts_at` is in UTC, the wall clocks have no offset.
    """

    id: AppointmentId
    reference: str
    doctor_id: DoctorId
    time_slot_id: UUID | SlotId
    starts_at: datetime
    wall_was: datetime
    wall_is: datetime


def stretches_between(
    starts_at: datetime, ends_at: datetime, *, was: str, now: str
) -> Sequence[Stretch]:
    """Return the stretches of a period in which two time zones show different times."""
    zones = [offsets_within(starts_at, ends_at, zone) for zone in (was, now)]
    bounds = sorted({at for offsets in zones for at, _ in offsets})
    found = []
    for since, until in zip(bounds, [*bounds[1:], ends_at], strict=True):
        before, after = (
            next(offset for at, offset in reversed(offsets) if at <= since) for offsets in zones
        )
        if before != after and since < until:
            found.append(
                Stretch(starts_at=since, ends_at=until, ahead_before=before, ahead_now=after)
            )
    return found


def wall_of(instant: datetime, time_zone: str) -> datetime:
    """Return what the clock shows, without an offset."""
    return wall_clock(instant, time_zone).replace(tzinfo=None)


def following_their_dates(
    closures: Sequence[Closure], time_zone: str, *, now: datetime
) -> Sequence[Closure]:
    """Return those whose date is at another time in this zone, as they are there.

    What is over in both zones stays, and so does a closure whose date the zone skipped: nobody can
    say when that day is, and it goes on covering what it was made to cover.
    """
    moved = []
    for closure in closures:
        try:
            period = day_of(closure.date, time_zone)
        except NonexistentLocalTime:
            continue
        if period != closure.period and max(period.ends_at, closure.period.ends_at) > now:
            moved.append(closure.moved_to(period))
    return moved
