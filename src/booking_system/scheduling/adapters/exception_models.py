"""What the API of exceptions from weekly hours takes and gives."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.platform.http.input import Input, NearDay
from booking_system.scheduling.adapters.availability_models import (
    EXAMPLE_ID,
    MINUTE,
    EndTime,
    GapMinutes,
    KeptBookingOut,
    SlotMinutes,
    StartTime,
    as_domain,
    clock,
    kept_bookings,
)
from booking_system.scheduling.domain.availability import Hours
from booking_system.scheduling.domain.slot_plan import PresentSlot
from booking_system.scheduling.domain.timetable import AvailabilityException
from booking_system.shared_kernel.mode import Mode

MOST_HOURS_OF_A_DAY = 24


class HoursOfDateIn(Input):
    """Hours of one date."""

    start_time: StartTime
    end_time: EndTime
    slot_minutes: SlotMinutes
    gap_minutes: GapMinutes = 0
    mode: Mode = Mode.IN_PERSON

    def hours(self, day: date) -> Hours:
        """Return what the domain makes of it."""
        return Hours.on(day, **as_domain(self.model_dump()))


class AvailabilityExceptionIn(Input):
    """Other hours of a doctor on one date."""

    date: NearDay = Field(
        description="Which day it is about, by the clinic's calendar", examples=["2027-03-01"]
    )
    hours: Annotated[
        list[HoursOfDateIn],
        Field(
            max_length=MOST_HOURS_OF_A_DAY,
            description="Empty, where it replaces the weekly hours: no hours at all on that date",
        ),
    ]
    replaces: bool = Field(
        description="True: instead of the weekly hours of that date; false: besides them"
    )

    def of_date(self) -> list[Hours]:
        """Return the hours as the domain has them."""
        return [one.hours(self.date) for one in self.hours]


class HoursOfDateOut(BaseModel):
    """Hours of one date."""

    start_time: str = Field(
        description="When the doctor begins, by the clinic's clock (`HH:MM`)", examples=["09:00"]
    )
    end_time: str = Field(
        description="When the doctor ends, by the clinic's clock (`HH:MM`)", examples=["17:00"]
    )
    slot_minutes: int = Field(examples=[30])
    gap_minutes: int = Field(examples=[0])
    mode: Mode

    @classmethod
    def of(cls, hours: Hours) -> "HoursOfDateOut":
        """Show them."""
        return cls(
            start_time=clock(hours.start_minute),
            end_time=clock(hours.end_minute),
            slot_minutes=hours.slot // MINUTE,
            gap_minutes=hours.gap // MINUTE,
            mode=hours.mode,
        )


class AvailabilityExceptionOut(BaseModel):
    """Other hours of a doctor on one date."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic_id: UUID
    doctor_id: UUID
    date: date
    hours: list[HoursOfDateOut] = Field(description="The hours of that date; none: no slots at all")
    replaces: bool = Field(
        description="True: instead of the weekly hours of that date; false: besides them"
    )
    created_at: datetime
    generated_slots: int | None = Field(
        default=None, description="How many slots this request opened; null when only read"
    )
    kept_bookings: list[KeptBookingOut] | None = Field(
        default=None,
        description="What stays although no hours want it any more; null when only read",
    )

    @classmethod
    def of(
        cls,
        exception: AvailabilityException,
        *,
        generated: int | None = None,
        kept: Sequence[PresentSlot] | None = None,
    ) -> "AvailabilityExceptionOut":
        """Show an exception."""
        return cls(
            id=exception.id,
            clinic_id=exception.clinic_id,
            doctor_id=exception.doctor_id,
            date=exception.day,
            hours=[HoursOfDateOut.of(hours) for hours in exception.hours],
            replaces=exception.replaces,
            created_at=exception.created_at,
            generated_slots=generated,
            kept_bookings=None if kept is None else kept_bookings(kept),
        )
