"""What `booking-system extend-horizon` says of its work: ids and times, nobody's name."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booking_system.scheduling.application.extend_horizon import Extension


def sentences(done: "Extension") -> Iterator[str]:
    """One sentence of what was done, and one for each booking that the clock left behind."""
    yield (
        f"Calendars: {done.doctors}. Slots opened: {done.opened}. Slots withdrawn: "
        f"{done.withdrawn}."
    )
    if done.moved:
        yield (
            f"Bookings whose wall-clock time has changed: {len(done.moved)}."
            " They keep their instant: move them, or tell the patients."
        )
    for moved in done.moved:
        yield (
            f"  booking {moved.appointment_id}, {moved.starts_at:%Y-%m-%dT%H:%MZ}:"
            f" was {moved.wall_was:%Y-%m-%d %H:%M}, is {moved.wall_is:%Y-%m-%d %H:%M}"
        )
