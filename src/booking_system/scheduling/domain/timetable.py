"""A timetable: what all rules and exceptions of one doctor want, the one place that is asked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from booking_system.scheduling.domain.availability import AvailabilityRule, Hours
from booking_system.scheduling.domain.local_time import day_of, first_instant_at
from booking_system.scheduling.domain.refusals import AvailabilityOverlap, PlanTooLarge
from booking_system.scheduling.domain.slot_plan import WishedSlot
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, RuleId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

DAY = timedelta(days=1)
MOST_SLOTS = 40_000
"""Of one doctor, to come, by rules and exceptions: every half hour, day and night, for two years
are 35,040, and every ten minutes for twelve hours of each working day as long are 37,584."""
WINDOW_SLOTS = 1_000
"""What is planned between two breaths of the event loop: some hundredths of a second's work."""
WINDOW_DAYS = 31
MOST_HOURS = 500
"""Rules and exceptions of one doctor that are not over: a change is compared with all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityException:
    """Other hours of one doctor on one date: instead of the rules' where it `replaces` them.

    Each of `hours` holds on that date only. None at all, and nobody comes that day by a rule. The
    slots name it where those of a rule name the rule.
    """

    id: RuleId
    clinic_id: ClinicId
    doctor_id: DoctorId
    day: date
    replaces: bool
    hours: Sequence[Hours]
    created_at: datetime

    def check(self, time_zone: str, *, today: date) -> None:
        """Raise `Invalid` for hours that cannot be, `NonexistentLocalTime` for a skipped day."""
        if self.day < today:
            raise Invalid.field("/date", "lies in the past", "in_past")
        if not self.replaces and not self.hours:
            raise Invalid.field("/hours", "are missing: without any, nothing is added", "required")
        day_of(self.day, time_zone)
        for place, hours in enumerate(self.hours):
            hours.check(time_zone, today=today, at=f"/hours/{place}")
            if any(hours.overlaps(other) for other in self.hours[:place]):
                raise Invalid.field(f"/hours/{place}", "overlap others of the request", "overlaps")

    def overlaps(self, others: Sequence[Hours]) -> bool:
        """Say whether any of its hours are among these, too."""
        return any(mine.overlaps(other) for mine in self.hours for other in others)


class Window(NamedTuple):
    """Some days that are planned in one go, and about how many slots they want, or wanted."""

    period: Period
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """All rules, and the exceptions of the days in question, by the clock of one zone."""

    time_zone: str
    rules: Sequence[AvailabilityRule] = ()
    exceptions: Sequence[AvailabilityException] = ()

    def with_rule(self, rule: AvailabilityRule) -> Self:
        """Return it with this rule as it is now."""
        return replace(self.without(rule.id), rules=[*self.without(rule.id).rules, rule])

    def with_exception(self, exception: AvailabilityException) -> Self:
        """Return it with this exception."""
        return replace(self, exceptions=[*self.exceptions, exception])

    def without(self, one: RuleId) -> Self:
        """Return it without this rule or exception."""
        return replace(
            self,
            rules=[rule for rule in self.rules if rule.id != one],
            exceptions=[other for other in self.exceptions if other.id != one],
        )

    def check_rule(self, rule: AvailabilityRule) -> None:
        """Raise `AvailabilityOverlap` where other hours hold at one hour of one day with it."""
        for other in self.rules:
            if other.id != rule.id and other.hours.overlaps(rule.hours):
                raise AvailabilityOverlap(availability_id=other.id)
        for exception in self.exceptions:
            if not exception.replaces and exception.overlaps([rule.hours]):
                raise AvailabilityOverlap(exception_id=exception.id)

    def check_exception(self, exception: AvailabilityException) -> None:
        """Raise `AvailabilityOverlap` as well; only one exception replaces the rules of a date.

        What is added must not overlap the hours of a rule even where another one replaces them.
        """
        for other in self.exceptions:
            both_replace = other.replaces and exception.replaces
            if other.day == exception.day and (both_replace or other.overlaps(exception.hours)):
                raise AvailabilityOverlap(exception_id=other.id)
        for rule in () if exception.replaces else self.rules:
            if exception.overlaps([rule.hours]):
                raise AvailabilityOverlap(availability_id=rule.id)

    def wishes(self, window: Period) -> list[WishedSlot]:
        """Return what is wanted to start within the window, in time order."""
        wished = [
            WishedSlot(rule_id=source, period=slot, mode=hours.mode)
            for source, hours, day in self._days(*self._around(window))
            for slot in hours.slots_of(day, self.time_zone)
            if slot.starts_at in window
        ]
        return sorted(wished, key=lambda wish: wish.period.starts_at)

    def wish_for(self, period: Period, mode: Mode) -> WishedSlot | None:
        """Return the wish for just this slot; None where nothing wants it."""
        for source, hours, day in self._days(*self._around(period)):
            if hours.mode is mode and hours.makes(period, day, self.time_zone):
                return WishedSlot(rule_id=source, period=period, mode=mode)
        return None

    def counts(self, first: date, last: date) -> Mapping[date, int]:
        """Return how many slots each day wants, by arithmetic; days without any are left out."""
        counted: Counter[date] = Counter()
        for _source, hours, day in self._days(first, last):
            counted[day] += hours.slots_a_day
        return counted

    def check_size(self, horizon: Period, *, before: "Timetable") -> None:
        """Raise `PlanTooLarge` where it wants too much, and more than the one before."""
        rules, earlier = (len(one.rules) + len(one.exceptions) for one in (self, before))
        if rules > MOST_HOURS and rules > earlier:
            raise PlanTooLarge(f"A doctor has at most {MOST_HOURS} rules and exceptions at a time.")
        many = self.size(horizon)
        if many > MOST_SLOTS and many > before.size(horizon):
            raise PlanTooLarge(
                f"These hours would make {many} time slots within the clinic's horizon;"
                f" a doctor has at most {MOST_SLOTS}."
            )

    def windows(self, period: Period, *, before: "Timetable | None" = None) -> Iterator[Window]:
        """Cut the period at midnights, so that no part has much to be made, or to be taken back.

        A day is never cut: it has at most 1,500 slots.
        """
        first, last = self._around(period)
        mine = self.counts(first, last)
        old = {} if before is None else before.counts(first, last)
        starts_at, mine_here, old_here, days = period.starts_at, 0, 0, 0
        for place in range((last - first).days + 1):
            day = first + place * DAY
            midnight = first_instant_at(day, 0, self.time_zone)
            new_ones, old_ones = mine.get(day, 0), old.get(day, 0)
            is_full = (
                mine_here + old_here + new_ones + old_ones > WINDOW_SLOTS or days >= WINDOW_DAYS
            )
            if is_full and starts_at < midnight < period.ends_at:
                yield Window(Period(starts_at, midnight), max(mine_here, old_here))
                starts_at, mine_here, old_here, days = midnight, 0, 0, 0
            mine_here, old_here, days = mine_here + new_ones, old_here + old_ones, days + 1
        yield Window(Period(starts_at, period.ends_at), max(mine_here, old_here))

    def size(self, horizon: Period) -> int:
        """Return how many slots it wants as far as the clinic takes bookings, by arithmetic."""
        zone = ZoneInfo(self.time_zone)
        first, last = (at.astimezone(zone).date() for at in (horizon.starts_at, horizon.ends_at))
        return sum(self.counts(first, last - DAY).values())

    def _around(self, period: Period) -> tuple[date, date]:
        """Return the first and the last day of which a slot may start within the period."""
        zone = ZoneInfo(self.time_zone)
        starts, ends = (at.astimezone(zone).date() for at in (period.starts_at, period.ends_at))
        return starts - DAY, ends + DAY

    def _days(self, first: date, last: date) -> Iterator[tuple[RuleId, Hours, date]]:
        """Yield whose hours hold on which day."""
        replaced = {one.day for one in self.exceptions if one.replaces}
        for rule in self.rules:
            for day in rule.hours.days(first, last):
                if day not in replaced:
                    yield rule.id, rule.hours, day
        for exception in self.exceptions:
            if first <= exception.day <= last:
                for hours in exception.hours:
                    yield exception.id, hours, exception.day
