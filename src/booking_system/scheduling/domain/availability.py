"""Weekly availability: from which hours of which days the time slots of a doctor are made."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from booking_system.scheduling.domain.local_time import (
    exists,
    first_instant_at,
    last_instant_at,
)
from booking_system.scheduling.domain.offer import LONGEST_SLOT
from booking_system.scheduling.domain.refusals import NonexistentLocalTime
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, RuleId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

DAY = timedelta(days=1)
MINUTES_OF_A_DAY = 1440
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours of a rule, on the clinic's wall clock.

    Weekdays are ISO 8601's, Monday is 1. Minutes are counted from midnight by the clock, so
    `end_minute` may be 1440. `valid_until` is the last day; None: for good. Each slot lasts
    `slot`, and `gap` lies between two of one day.
    """

    weekdays: frozenset[int]
    start_minute: int
    end_minute: int
    slot: timedelta
    gap: timedelta
    valid_from: date
    valid_until: date | None
    mode: Mode

    @classmethod
    def on(  # noqa: PLR0913
        cls,
        day: date,
        *,
        start_minute: int,
        end_minute: int,
        slot: timedelta,
        gap: timedelta,
        mode: Mode,
    ) -> Self:
        """Return hours of one date."""
        return cls(
            weekdays=frozenset({day.isoweekday()}),
            start_minute=start_minute,
            end_minute=end_minute,
            slot=slot,
            gap=gap,
            valid_from=day,
            valid_until=day,
            mode=mode,
        )

    def check(self, time_zone: str, *, today: date, at: str = "") -> None:
        """Raise `Invalid` where no day has a slot, `NonexistentLocalTime` where clocks skip it.

        Hours that are over by `today`, the clinic's, are refused, too. `at` is where in the input
        they stand.
        """
        if not self.weekdays or not self.weekdays <= set(range(1, 8)):
            raise Invalid.field(f"{at}/weekdays", "are 1 (Monday) to 7 (Sunday), at least one")
        if not 0 <= self.start_minute < self.end_minute <= MINUTES_OF_A_DAY:
            raise Invalid.field(f"{at}/end_time", "must be after start_time", "ends_too_early")
        if not timedelta(0) < self.slot <= LONGEST_SLOT:
            raise Invalid.field(f"{at}/slot_minutes", "is 1 to 1440")
        if self.gap < timedelta(0):
            raise Invalid.field(f"{at}/gap_minutes", "is not negative")
        if self.slot > (self.end_minute - self.start_minute) * MINUTE:
            raise Invalid.field(f"{at}/slot_minutes", "is longer than the hours", "too_long")
        self._check_days(time_zone, today)

    def _check_days(self, time_zone: str, today: date) -> None:
        if self.valid_until is None:
            return
        if self.valid_until < self.valid_from:
            raise Invalid.field("/valid_until", "must not be before valid_from", "ends_too_early")
        if self.valid_until < today:
            raise Invalid.field("/valid_until", "lies in the past", "in_past")
        if self.valid_until - self.valid_from >= 7 * DAY:
            return
        days = list(self.days(self.valid_from, self.valid_until))
        if not days:
            raise Invalid.field("/weekdays", "none of them is between valid_from and valid_until")
        bounds = [(day, minute) for day in days for minute in (self.start_minute, self.end_minute)]
        if not all(exists(day, minute, time_zone) for day, minute in bounds) and not any(
            True for day in days for _ in self.slots_of(day, time_zone)
        ):
            raise NonexistentLocalTime

    def days(self, first: date, last: date) -> Iterator[date]:
        """Yield the days from `first` to `last` on which the rule holds."""
        day = max(first, self.valid_from)
        until = last if self.valid_until is None else min(last, self.valid_until)
        while day <= until:
            if day.isoweekday() in self.weekdays:
                yield day
            day += DAY

    def slots_of(self, day: date, time_zone: str) -> Iterator[Period]:
        """Yield the slots of one local day, in UTC.

        Between the first time that the clock shows the start and the last time that it shows the
        end, one after the other by the time that passes: an hour that is skipped makes none, one
        that is repeated makes slots in both of its passes.
        """
        at, until = self._bounds(day, time_zone)
        while at + self.slot <= until:
            yield Period(at, at + self.slot)
            at += self.slot + self.gap

    def makes(self, period: Period, day: date, time_zone: str) -> bool:
        """Say whether `slots_of` that day yields the period; found by arithmetic."""
        at, until = self._bounds(day, time_zone)
        is_within = at <= period.starts_at and period.ends_at <= until
        is_in_step = not (period.starts_at - at) % (self.slot + self.gap)
        return period.length == self.slot and is_within and is_in_step

    @property
    def slots_a_day(self) -> int:
        """How many slots a day has on which no clock changes."""
        length = (self.end_minute - self.start_minute) * MINUTE
        return (length + self.gap) // (self.slot + self.gap)

    def _bounds(self, day: date, time_zone: str) -> tuple[datetime, datetime]:
        """Return when the first slot may start, and by when the last one has to be over."""
        # A midnight that is shown twice ends the day the first time: the hour is the next day's.
        ends = first_instant_at if self.end_minute == MINUTES_OF_A_DAY else last_instant_at
        starts_at = first_instant_at(day, self.start_minute, time_zone)
        return starts_at, ends(day, self.end_minute, time_zone)

    def slots_within(self, period: Period, time_zone: str) -> Iterator[Period]:
        """Yield the slots that start within the period, in time order."""
        zone = ZoneInfo(time_zone)
        first = period.starts_at.astimezone(zone).date() - DAY
        last = period.ends_at.astimezone(zone).date() + DAY
        for day in self.days(first, last):
            for slot in self.slots_of(day, time_zone):
                if slot.starts_at in period:
                    yield slot

    def overlaps(self, other: "Hours") -> bool:
        """Say whether two rules hold at one hour of one day."""
        if not (self.weekdays & other.weekdays):
            return False
        if self.start_minute >= other.end_minute or other.start_minute >= self.end_minute:
            return False
        latest_start = max(self.valid_from, other.valid_from)
        ends = [one for one in (self.valid_until, other.valid_until) if one is not None]
        if ends and min(ends) < latest_start:
            return False
        # Two that share less than a week may share none of the weekdays.
        last = min([*ends, latest_start + 6 * DAY])
        return any(day.isoweekday() in other.weekdays for day in self.days(latest_start, last))


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityRule:
    """Hours of one doctor. Two rules of a doctor never hold at one hour."""

    id: RuleId
    clinic_id: ClinicId
    doctor_id: DoctorId
    hours: Hours
    version: int = 1
    created_at: datetime
    updated_at: datetime


def horizon_of(now: datetime, days: int) -> Period:
    """Return from when until when slots are made: from now, as far as the clinic takes bookings."""
    return Period(now.astimezone(UTC), now.astimezone(UTC) + days * DAY)
