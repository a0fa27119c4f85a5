"""A time slot as every answer shows it, for contexts above as well."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.directory.records.money_shown import MoneyOut
from booking_system.directory.records.summaries import ClinicSummary, DoctorSummary
from booking_system.shared_kernel.mode import Mode

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940001"


class FittingServiceOut(BaseModel):
    """What would be booked in the slot: from its start to the end of the last slot it takes."""

    id: UUID | None = Field(
        description="Null: the booking that moves is of no service",
        examples=["0192f0c1-2b3c-7d4e-8f50-617283940012"],
    )
    name: str | None = Field(
        examples=["Example Service"],
        description="What the service is called; null: the booking that moves has none",
    )
    starts_at: datetime = Field(
        description="When it would start. UTC; write it by the clinic's `time_zone`",
        examples=["2027-03-01T08:00:00Z"],
    )
    ends_at: datetime = Field(
        description="When the booking would end, UTC", examples=["2027-03-01T09:00:00Z"]
    )
    local_ends_at: datetime = Field(
        description="The clinic's wall clock, with its offset",
        examples=["2027-03-01T10:00:00+01:00"],
    )
    duration_minutes: int = Field(
        description="How long the service itself takes, in minutes, without the buffers around it",
        examples=[45],
    )
    price: MoneyOut | None = Field(description="Of a booking that moves: as it was agreed")


class SlotFacts(BaseModel):
    """What a time slot is, for any service to be booked in it."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic_id: UUID
    doctor_id: UUID
    doctor: DoctorSummary
    clinic: ClinicSummary
    starts_at: datetime = Field(
        description="When it starts. UTC; `local_starts_at` is the clinic's clock",
        examples=["2027-03-01T08:00:00Z"],
    )
    ends_at: datetime = Field(
        description="When it ends, the first instant behind it. UTC;"
        " `local_ends_at` is the clinic's clock",
        examples=["2027-03-01T08:30:00Z"],
    )
    local_starts_at: datetime = Field(
        description="The clinic's wall clock, with its offset",
        examples=["2027-03-01T09:00:00+01:00"],
    )
    local_ends_at: datetime = Field(
        description="The clinic's wall clock, with its offset",
        examples=["2027-03-01T09:30:00+01:00"],
    )
    time_zone: str = Field(
        description="The clinic's time zone (IANA name): the local times are of it",
        examples=["Europe/Berlin"],
    )
    mode: Mode


class SlotOut(SlotFacts):
    """A time slot that could be booked now."""

    service: FittingServiceOut | None = Field(
        description="Where a service, or a booking that moves, was asked for; else null"
    )
