"""Booking in memory: the time that appointments claim, as PostgreSQL stores it in multiranges."""

from collections.abc import Iterable
from datetime import datetime

from booking_system.booking.domain.appointment import Appointment
from booking_system.shared_kernel.period import Period

Stretch = tuple[datetime, datetime]
Time = tuple[Stretch, ...]


def without(time: Time, other: Time) -> Time:
    """What is left of a time."""
    left = list(time)
    for since, until in other:
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, since)), (max(start, until), end))
            if piece[0] < piece[1]
        ]
    return tuple(sorted(left))


def common(time: Time, other: Time) -> Time:
    """What both have."""
    return without(time, without(time, other))


def together(times: Iterable[Time]) -> Time:
    """All of them, as few stretches as possible."""
    joined: list[Stretch] = []
    for since, until in sorted(stretch for time in times for stretch in time):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until))
        else:
            joined.append((since, until))
    return tuple(joined)


def of(period: Period) -> Time:
    return ((period.starts_at, period.ends_at),)


def claimed(appointment: Appointment, period: Period, shared: Time) -> Time:
    """Of a period, as far as it is not cancelled, given back or shared on purpose."""
    if not appointment.is_active:
        return ()
    until = min(period.ends_at, appointment.released_at or period.ends_at)
    return () if until <= period.starts_at else without(((period.starts_at, until),), shared)
