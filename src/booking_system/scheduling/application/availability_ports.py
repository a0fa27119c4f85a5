"""All that weekly availability needs from the outside world."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.scheduling.domain.availability import AvailabilityRule
from booking_system.scheduling.domain.slot_plan import PresentSlot, SlotPlan
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, RuleId


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

    async def rules(self, doctor_id: DoctorId) -> Sequence[AvailabilityRule]:
        """Return all rules of the doctor, the oldest first."""
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

    async def generated(self, rule: AvailabilityRule) -> int:
        """Count the slots that are there and were made together with the rule."""
        ...

    async def lock_slots(
        self, doctor_id: DoctorId, rule_ids: Sequence[RuleId] | None, *, now: datetime
    ) -> None:
        """Lock the slots to come that the rules made, ascending. None: that any rule made."""
        ...

    async def present(self, doctor_id: DoctorId, *, now: datetime) -> Sequence[PresentSlot]:
        """Return the doctor's slots that are not over, and those to come deleted by hand.

        A slot that has begun belongs to no rule any more.
        """
        ...

    async def carry_out(
        self, planned: SlotPlan, calendar: DoctorCalendar, *, now: datetime
    ) -> None:
        """Withdraw and add slots; those that time off or a closure covers come closed by it.

        What is left is closed for everybody but whoever has it; what is regained is as if it were
        added anew.
        """
        ...

    async def set_clocks(self, calendar: DoctorCalendar, slots: Sequence[PresentSlot]) -> None:
        """Store what the clinic's clock shows now at the start of slots that nobody has booked."""
        ...


AvailabilityTransaction = Callable[[], AbstractAsyncContextManager[AvailabilityWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything."""


DoctorsWithAvailability = Callable[[], Awaitable[Sequence[DoctorId]]]
"""Finds the doctors who are there and have, or had, a rule."""
