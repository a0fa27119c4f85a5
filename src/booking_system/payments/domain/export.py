"""The ledger for other programs: each line of some local days, with the document made of it."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from booking_system.payments.domain.ledger import Line
from booking_system.scheduling.domain.local_time import first_instant_at
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.period import Period

LONGEST = timedelta(days=366)
MOST_LINES = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the ledger, its appointment's reference, and the numbers on its document."""

    id: UUID
    line: Line
    reference: str
    document: str | None
    corrects: str | None


def days_between(first: date, until: date, time_zone: str) -> Period:
    """Return the local days from `first` on and before `until`, in UTC.

    Raises `Invalid` where they are none, or more than 366.
    """
    if until <= first:
        raise Invalid.field("/to", "must be after from", "ends_too_early")
    if until - first > LONGEST:
        raise Invalid.field("/to", f"at most {LONGEST.days} days after from", "too_long")
    starts_at = first_instant_at(first, 0, time_zone)
    ends_at = first_instant_at(until, 0, time_zone)
    if ends_at <= starts_at:
        raise Invalid.field("/to", "the clinic's clock skipped that day", "ends_too_early")
    return Period(starts_at, ends_at)
