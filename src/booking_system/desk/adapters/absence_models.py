"""What the API of time off and closures takes and gives."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, RootModel

from booking_system.desk.adapters.conflict_models import BookingInTheWay
from booking_system.desk.application.affected import summary_of
from booking_system.desk.application.preview_absence import AbsencePreview
from booking_system.platform.http.input import Change, Input, Instant, LongText, NearDay
from booking_system.scheduling.domain.absence import Closure, TimeOff
from booking_system.scheduling.records.slot_shown import SlotOut

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940030"
TOLD = "For the clinic's side, and for the patients whose bookings are cancelled because of it"
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands for a field that is not there; nobody reads it."""


def _each_once(days: list[date]) -> list[date]:
    if len(set(days)) < len(days):
        message = "names a date twice"
        raise ValueError(message)
    return sorted(days)


class TimeOffIn(Input):
    """When a doctor is away."""

    starts_at: Instant = Field(examples=["2027-03-01T00:00:00+01:00"])
    ends_at: Instant = Field(examples=["2027-03-06T00:00:00+01:00"])
    reason: LongText | None = Field(default=None, description=TOLD, examples=["Holiday"])


class TimeOffChangeIn(Change):
    """What changes about time off."""

    starts_at: Instant = Field(default=NEVER, examples=["2027-03-01T00:00:00+01:00"])
    ends_at: Instant = Field(default=NEVER, examples=["2027-03-05T00:00:00+01:00"])
    reason: LongText | None = Field(default=None, description=TOLD, examples=["Holiday"])


class ClosureChangeIn(Change):
    """What changes about a closure."""

    date: NearDay = Field(
        default=NEVER.date(), description="A day of the clinic's calendar", examples=["2027-12-27"]
    )
    reason: LongText | None = Field(default=None, description=TOLD, examples=["Public holiday"])


class ClosuresIn(Input):
    """On which days a clinic is closed."""

    dates: Annotated[
        list[NearDay],
        Field(
            min_length=1,
            max_length=366,
            description="Days of the clinic's calendar",
            examples=[["2027-12-24", "2027-12-25"]],
        ),
        AfterValidator(_each_once),
    ]
    reason: LongText | None = Field(default=None, description=TOLD, examples=["Public holiday"])


class TimeOffOut(BaseModel):
    """When a doctor is away."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic_id: UUID
    doctor_id: UUID
    starts_at: datetime = Field(
        description="When the doctor is away from. UTC", examples=["2027-02-28T23:00:00Z"]
    )
    ends_at: datetime = Field(
        description="Until when the doctor is away. UTC", examples=["2027-03-05T23:00:00Z"]
    )
    reason: str | None = Field(
        examples=["Holiday"],
        description="For the clinic's side, and for patients whose bookings are"
        " cancelled by it; null: none",
    )
    version: int = Field(description="Goes up with every change")
    created_at: datetime

    @classmethod
    def of(cls, one: TimeOff) -> "TimeOffOut":
        """Show it."""
        return cls(
            id=one.id,
            clinic_id=one.clinic_id,
            doctor_id=one.doctor_id,
            starts_at=one.period.starts_at,
            ends_at=one.period.ends_at,
            reason=one.reason,
            version=one.version,
            created_at=one.created_at,
        )


class ClosureOut(BaseModel):
    """A day on which a clinic is closed."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic_id: UUID
    date: date
    starts_at: datetime = Field(
        description="When the clinic is closed from. UTC", examples=["2027-12-23T23:00:00Z"]
    )
    ends_at: datetime = Field(
        description="Until when the clinic is closed. UTC", examples=["2027-12-24T23:00:00Z"]
    )
    reason: str | None = Field(examples=["Public holiday"])
    version: int = Field(description="Goes up with every change")
    created_at: datetime

    @classmethod
    def of(cls, one: Closure) -> "ClosureOut":
        """Show it."""
        return cls(
            id=one.id,
            clinic_id=one.clinic_id,
            date=one.date,
            starts_at=one.period.starts_at,
            ends_at=one.period.ends_at,
            reason=one.reason,
            version=one.version,
            created_at=one.created_at,
        )


class ClosuresOut(BaseModel):
    """The closures of the days that were asked for."""

    items: list[ClosureOut]


class AffectedBookingOut(BaseModel):
    """An appointment in the way, and the nearest slots that it could move to.

    None of these is offered to two appointments of the list.
    """

    booking: BookingInTheWay = Field(description="The appointment that the absence meets")
    alternatives: list[SlotOut] = Field(
        description="The nearest slots that it could move to, in order"
    )


class AbsencePreviewOut(BaseModel):
    """What the same request without `dry_run` would do."""

    closed_slots: int = Field(examples=[12])
    opened_slots: int = Field(
        description="Of a change: slots that it would no longer keep closed", examples=[0]
    )
    count: int = Field(description="How many appointments are affected", examples=[1])
    affected_bookings: list[AffectedBookingOut] = Field(description="The first hundred of them")


class ChangedTimeOffOut(RootModel[TimeOffOut | AbsencePreviewOut]):
    """The time off as it is now; with `dry_run`, what would become of slots and appointments."""


class ChangedClosureOut(RootModel[ClosureOut | AbsencePreviewOut]):
    """The closure as it is now; with `dry_run`, what would become of slots and appointments."""


def previewed(preview: AbsencePreview) -> Mapping[str, Any]:
    """Return the values of `AbsencePreviewOut`."""
    return {
        "closed_slots": preview.closed_slots,
        "opened_slots": preview.opened_slots,
        "count": preview.count,
        "affected_bookings": [
            {
                "booking": summary_of(appointment),
                "alternatives": [slot.as_shown() for slot in alternatives],
            }
            for appointment, alternatives in preview.affected
        ],
    }
