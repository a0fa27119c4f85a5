"""All that weekly availability needs from the outside world."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from booking_system.scheduling.domain.availability import AvailabilityRule
from booking_system.scheduling.domain.slot_plan import PresentSlot, SlotPlan
from booking_system.scheduling.domain.timetable import AvailabilityException, Timetable
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, RuleId
from booking_system.shared_kernel.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorCalendar:
    """A doctor who is there, with what the clinic decides: where its clock is, and how far."""

    doctor_id: DoctorId
    clinic_id: ClinicId
    time_zone: str
    horizon_days: int


class AvailabilityWork(Protocol):
    """What one transaction over availability can reach."""

    async def doctor(self, doctor_id: DoctorId) -> DoctorCalendar | None:
        """Return the doctor's calendar; None where the doctor or the clinic is gone."""
        ...

    async def lock_doctor(self, doctor_id: DoctorId) -> DoctorCalendar | None:
        """Do so, and keep everybody waiting who would add slots of this doctor or close them."""
        ...

    async def rule(self, rule_id: RuleId) -> AvailabilityRule | None:
        """Return a rule of a doctor who is there."""
        ...

    async def page(
        self, doctor_id: DoctorId, *, after: UUID | None, limit: int
    ) -> Sequence[AvailabilityRule]:
        """Return one more than `limit` of the rules behind `after`, the oldest first."""
        ...

    async def add_rule(self, rule: AvailabilityRule) -> None:
        """Store a new rule."""
        ...

    async def save_rule(
        self, rule: AvailabilityRule, *, deleted_at: datetime | None = None
    ) -> None:
        """Store a changed rule, or take it out of sight."""
        ...

    async def exception(self, exception_id: RuleId) -> AvailabilityException | None:
        """Return an exception of a doctor who is there."""
        ...

    async def exceptions_page(
        self,
        doctor_id: DoctorId,
        *,
        first: date | None,
        until: date | None,
        after: tuple[date, UUID] | None,
        limit: int,
    ) -> Sequence[AvailabilityException]:
        """Return one more than `limit` of them behind `after`, by date, before `until`."""
        ...

    async def add_exception(self, exception: AvailabilityException) -> None:
        """Store a new exception."""
        ...

    async def end_exception(self, exception: AvailabilityException, *, now: datetime) -> None:
        """Take it out of sight."""
        ...

    async def generated(self, one: AvailabilityRule | AvailabilityException) -> int:
        """Count the slots that are there and were made together with the rule or exception."""
        ...

    async def timetable(self, calendar: DoctorCalendar, *, now: datetime) -> Timetable:
        """Return all rules of the doctor, and the exceptions of today and later."""
        ...

    async def lock_slots(
        self,
        calendar: DoctorCalendar,
        *,
        since: datetime,
        until: datetime | None,
        rule_ids: Collection[RuleId] | None,
    ) -> None:
        """Lock, ascending, what any rule made that begins after `since`, and before `until`.

        Where these rules are named, also all that they made, or that lies outside of all rules,
        whenever it begins behind that.
        """
        ...

    async def present(
        self, calendar: DoctorCalendar, period: Period, *, now: datetime
    ) -> Sequence[PresentSlot]:
        """Return the doctor's slots that meet the period, and what was deleted there by hand.

        A slot that has begun belongs to no rule any more.
        """
        ...

    async def occupied(
        self,
        calendar: DoctorCalendar,
        *,
        since: datetime,
        after: PresentSlot | None,
        rule_ids: Collection[RuleId] | None,
        now: datetime,
    ) -> Sequence[PresentSlot]:
        """Return some of the slots that begin then or later, behind `after`, that may not go.

        Those of these rules (None: of any), and those that lie outside of all rules; in time order.
        """
        ...

    async def withdraw_free(
        self,
        calendar: DoctorCalendar,
        *,
        since: datetime,
        rule_ids: Collection[RuleId] | None,
        now: datetime,
    ) -> int:
        """Withdraw all slots of these rules (None: of any) that begin then or later and may go.

        Return how many of them were not outside of all rules before.
        """
        ...

    async def count_free(
        self,
        calendar: DoctorCalendar,
        *,
        since: datetime,
        rule_ids: Collection[RuleId] | None,
        now: datetime,
    ) -> int:
        """Count what that would withdraw."""
        ...

    async def carry_out(
        self, planned: SlotPlan, calendar: DoctorCalendar, *, now: datetime
    ) -> None:
        """Withdraw and add slots; those that time off or a closure covers come closed by it.

        What is left is closed for everybody but whoever has it; what is regained is as if it were
        added anew. Where one was left that is held, the calendar is asked for at the hold's end.
        """
        ...

    async def ask(
        self, calendar: DoctorCalendar, *, planned_until: datetime, due_at: datetime
    ) -> None:
        """Have the calendar planned in the background, from `planned_until` on."""
        ...

    async def planned_until(self, doctor_id: DoctorId) -> datetime | None:
        """Return from when on the calendar is yet to be planned; None where all is done."""
        ...

    async def set_clocks(self, calendar: DoctorCalendar, slots: Sequence[PresentSlot]) -> None:
        """Store what the clinic's clock shows now at the start of slots that nobody has booked."""
        ...


AvailabilityTransaction = Callable[[], AbstractAsyncContextManager[AvailabilityWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything.

Or, where it is for a look, a transaction that sees one moment and changes nothing.
"""


DoctorsWithAvailability = Callable[[], Awaitable[Sequence[DoctorId]]]
"""Finds the doctors who are there and have, or had, a rule."""
