"""What the API of weekly availability takes and gives."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, RootModel, StringConstraints

from booking_system.platform.http.documentation import Problem
from booking_system.platform.http.fields import Whole
from booking_system.platform.http.input import Change, Day, Input
from booking_system.scheduling.application.follow_hours import Followed
from booking_system.scheduling.domain.availability import AvailabilityRule, Hours
from booking_system.scheduling.domain.slot_plan import PresentSlot
from booking_system.shared_kernel.mode import Mode

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940020"
FIRST, LAST = date(2000, 1, 1), date(2099, 12, 31)
MINUTE = timedelta(minutes=1)
FILLED = (
    "UTC. Until then the slots of this doctor follow all hours; what lies behind is made in the"
    " background, and nothing is offered there by hours that were changed. Null: all is done"
)


def _each_once(days: list[int]) -> list[int]:
    if len(set(days)) < len(days):
        message = "names a weekday twice"
        raise ValueError(message)
    return sorted(days)


def _of_this_century(day: date) -> date:
    if not FIRST <= day <= LAST:
        message = "must lie between the years 2000 and 2100"
        raise ValueError(message)
    return day


Weekday = Annotated[Whole, Field(ge=1, le=7)]
Weekdays = Annotated[
    list[Weekday],
    Field(
        min_length=1,
        max_length=7,
        description="ISO 8601: 1 is Monday, 7 is Sunday",
        examples=[[1, 2, 3, 4, 5]],
    ),
    AfterValidator(_each_once),
]
StartTime = Annotated[
    str,
    StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"),
    Field(
        description="When the doctor begins, by the clinic's clock (`HH:MM`)", examples=["09:00"]
    ),
]
EndTime = Annotated[
    str,
    StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"),
    Field(description="By the clinic's clock; at most 24:00", examples=["17:00"]),
]
SlotMinutes = Annotated[Whole, Field(ge=1, le=1440, examples=[30])]
GapMinutes = Annotated[
    Whole,
    Field(
        ge=0,
        le=1440,
        description="Minutes between the end of one slot and the start of the next",
        examples=[0],
    ),
]
ValidDay = Annotated[Day, AfterValidator(_of_this_century), Field(examples=["2027-03-01"])]


class AvailabilityIn(Input):
    """Weekly hours of a doctor."""

    weekdays: Weekdays
    start_time: StartTime
    end_time: EndTime
    slot_minutes: SlotMinutes
    gap_minutes: GapMinutes = 0
    valid_from: ValidDay
    valid_until: ValidDay | None = Field(
        default=None, description="The last day; null: for good", examples=["2027-12-31"]
    )
    mode: Mode = Mode.IN_PERSON

    def hours(self) -> Hours:
        """Return what the domain makes of it."""
        return Hours(**as_domain(self.model_dump()))


class AvailabilityChangeIn(Change):
    """What changes about weekly hours."""

    weekdays: Weekdays = Field(default=[1])
    start_time: StartTime = "00:00"
    end_time: EndTime = "24:00"
    slot_minutes: SlotMinutes = 1
    gap_minutes: GapMinutes = 0
    valid_from: ValidDay = FIRST
    valid_until: ValidDay | None = Field(default=None, examples=["2027-12-31"])
    mode: Mode = Mode.IN_PERSON

    def changes(self) -> dict[str, Any]:
        """Return the fields that change, as the domain has them."""
        return as_domain(self.given())


class KeptBookingOut(BaseModel):
    """An appointment that stays, although it lies outside of the hours now."""

    id: UUID = Field(description="Id of the booking that is in the way")
    time_slot_id: UUID = Field(description="The first of its slots that lies outside")
    starts_at: datetime = Field(
        description="When that booking starts. UTC", examples=["2027-03-01T08:00:00Z"]
    )
    ends_at: datetime = Field(
        description="When that booking ends. UTC", examples=["2027-03-01T08:30:00Z"]
    )


class AvailabilityOut(BaseModel):
    """Weekly hours of a doctor."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic_id: UUID
    doctor_id: UUID
    weekdays: list[int] = Field(
        description="Days of the week that it counts for (ISO 8601): 1 is Monday, 7 is Sunday",
        examples=[[1, 2, 3, 4, 5]],
    )
    start_time: str = Field(
        description="When the doctor begins, by the clinic's clock (`HH:MM`)", examples=["09:00"]
    )
    end_time: str = Field(
        description="When the doctor ends, by the clinic's clock (`HH:MM`)", examples=["17:00"]
    )
    slot_minutes: int = Field(examples=[30])
    gap_minutes: int = Field(examples=[0])
    valid_from: date
    valid_until: date | None
    mode: Mode
    version: int
    created_at: datetime
    updated_at: datetime
    generated_slots: int | None = Field(
        default=None, description="How many slots this request opened; null when only read"
    )
    filled_until: datetime | None = Field(description=FILLED, examples=["2027-03-01T08:00:00Z"])
    kept_bookings: list[KeptBookingOut] | None = Field(
        default=None,
        description="What stays although no hours want it any more; null when only read",
    )

    @classmethod
    def of(
        cls,
        rule: AvailabilityRule,
        filled_until: datetime | None,
        *,
        generated: int | None = None,
        kept: Sequence[PresentSlot] | None = None,
    ) -> "AvailabilityOut":
        """Show a rule."""
        hours = rule.hours
        return cls(
            id=rule.id,
            clinic_id=rule.clinic_id,
            doctor_id=rule.doctor_id,
            weekdays=sorted(hours.weekdays),
            start_time=clock(hours.start_minute),
            end_time=clock(hours.end_minute),
            slot_minutes=hours.slot // MINUTE,
            gap_minutes=hours.gap // MINUTE,
            valid_from=hours.valid_from,
            valid_until=hours.valid_until,
            mode=hours.mode,
            version=rule.version,
            created_at=rule.created_at,
            updated_at=rule.updated_at,
            generated_slots=generated,
            filled_until=filled_until,
            kept_bookings=None if kept is None else kept_bookings(kept),
        )


class AvailabilityPreviewOut(BaseModel):
    """What becomes of slots; with `dry_run`, what the same request without it would do."""

    opened_slots: int = Field(examples=[16])
    closed_slots: int = Field(examples=[0])
    kept_bookings: list[KeptBookingOut] = Field(
        description="Appointments that stay, although they lie outside of the hours then"
    )

    @classmethod
    def of(cls, followed: Followed) -> "AvailabilityPreviewOut":
        """Show what was done, or would be."""
        return cls(
            opened_slots=followed.opened.total(),
            closed_slots=followed.withdrawn,
            kept_bookings=kept_bookings(followed.kept_bookings),
        )


class ChangedAvailabilityOut(RootModel[AvailabilityOut | AvailabilityPreviewOut]):
    """The hours as they are now; with `dry_run`, what would become of slots."""


def kept_bookings(slots: Sequence[PresentSlot]) -> list[KeptBookingOut]:
    """One of several slots is listed once, as far as it lies outside."""
    kept: dict[UUID, list[PresentSlot]] = {}
    for slot in sorted(slots, key=lambda slot: slot.period.starts_at):
        if slot.appointment_id is not None:
            kept.setdefault(slot.appointment_id, []).append(slot)
    return [
        KeptBookingOut(
            id=appointment_id,
            time_slot_id=own[0].id,
            starts_at=own[0].period.starts_at,
            ends_at=own[-1].period.ends_at,
        )
        for appointment_id, own in kept.items()
    ]


def as_domain(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields as the domain has them."""
    made = dict(fields)
    if "weekdays" in made:
        made["weekdays"] = frozenset(made["weekdays"])
    for which in ("start", "end"):
        if (text := made.pop(f"{which}_time", None)) is not None:
            hour, minute = text.split(":")
            made[f"{which}_minute"] = 60 * int(hour) + int(minute)
    for which in ("slot", "gap"):
        if (minutes := made.pop(f"{which}_minutes", None)) is not None:
            made[which] = minutes * MINUTE
    return made


def clock(minute: int) -> str:
    """Return the minute of a day as a clock shows it."""
    return f"{minute // 60:02}:{minute % 60:02}"


class OverlapProblem(Problem):
    """Why hours cannot be: others hold already."""

    availability_id: UUID = Field(
        default=UUID(int=0), description="The rule. Absent where an exception is in the way"
    )
    exception_id: UUID = Field(
        default=UUID(int=0), description="The exception. Absent where a rule is in the way"
    )
