"""What a day of the calendar looks like over HTTP."""

from collections.abc import Mapping
from datetime import date as Day  # noqa: N812  (a field has the name of the type)
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.booking.domain.lifecycle import AppointmentStatus, NextAction
from booking_system.booking.domain.party import Side
from booking_system.booking.records.appointment_shown import (
    EXAMPLE_ID,
    BookedPatientOut,
    ServiceSummaryOut,
)
from booking_system.desk.adapters.absence_models import ClosureOut, TimeOffOut
from booking_system.desk.domain.day import DayBooking, DayDoctor, DaySlot, DayView
from booking_system.scheduling.domain.local_time import local_text
from booking_system.scheduling.domain.time_slot import ClosedBecause, SlotStatus
from booking_system.shared_kernel.mode import Mode

OUTSIDE = "Its holder keeps it, although no weekly hours of the doctor want it any more"


class DayDoctorOut(BaseModel):
    """A doctor of the clinic."""

    id: UUID
    full_name: str = Field(examples=["Example Doctor"])
    title: str | None = Field(examples=["Dr. med."])
    specialty: str | None = Field(examples=["Cardiology"])
    photo_url: str | None
    removed: bool = Field(
        description="Gone, and shown because of an appointment that was kept", examples=[False]
    )


class DaySlotOut(BaseModel):
    """A time slot of the day."""

    id: UUID
    doctor_id: UUID
    starts_at: datetime = Field(
        description="When the slot starts. UTC", examples=["2027-03-01T08:00:00Z"]
    )
    ends_at: datetime = Field(
        description="When the slot ends, the first instant behind it. UTC",
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
    mode: Mode
    status: SlotStatus = Field(examples=["booked"])
    closed_because: ClosedBecause | None = Field(
        description="Of a booked one: why it will not open when the appointment lets go of it"
    )
    held_until: datetime | None = Field(description="UTC; null unless it is held")
    booking_id: UUID | None = Field(description="Whose it is, if anybody's", examples=[EXAMPLE_ID])
    kept_free_for: list[UUID] = Field(description="The bookings whose buffers it lies in")
    outside_availability: bool = Field(description=OUTSIDE, examples=[False])
    version: int


class DayPatientOut(BookedPatientOut):
    """The patient, by name, and by what the clinic calls them."""

    known_as: str | None = Field(examples=["Patient of the old practice"])


class DayBookingOut(BaseModel):
    """An appointment of the day; `GET /v1/bookings/{id}` shows all of it."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(description="To be read out over the telephone", examples=["K7QM-3F9D"])
    status: AppointmentStatus
    time_slot_id: UUID
    time_slot_ids: list[UUID] = Field(description="All its slots, in time order")
    doctor_id: UUID
    patient: DayPatientOut
    service: ServiceSummaryOut | None
    starts_at: datetime = Field(
        description="When the booking starts. UTC", examples=["2027-03-01T08:00:00Z"]
    )
    ends_at: datetime = Field(
        description="When the booking ends, the first instant behind it. UTC",
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
    mode: Mode
    allowed_actions: list[NextAction] = Field(
        description="What the caller may do with it now: offer these buttons and no others",
        examples=[["cancel", "reschedule", "check_in"]],
    )
    patient_confirmed_at: datetime | None = Field(
        description="When the patient said that they will come. UTC"
    )
    overbooked: bool = Field(
        description="Staff booked it into a slot that is somebody else's", examples=[False]
    )
    outside_availability: bool = Field(description=OUTSIDE, examples=[False])
    version: int


class DayOut(BaseModel):
    """All that is in the calendar on one day of the clinic."""

    date: Day = Field(examples=["2027-03-01"])
    time_zone: str = Field(
        description="The clinic's time zone (IANA name): the day is a day of its calendar",
        examples=["Europe/Berlin"],
    )
    starts_at: datetime = Field(
        description="When the day begins by the clinic's clock. UTC",
        examples=["2027-02-28T23:00:00Z"],
    )
    ends_at: datetime = Field(
        description="When it ends: 23, 24 or 25 hours later. UTC",
        examples=["2027-03-01T23:00:00Z"],
    )
    clinic_id: UUID
    doctors: list[DayDoctorOut] = Field(
        description="The clinic's doctors, in the order of their names, with what"
        " the day holds for each"
    )
    slots: list[DaySlotOut] = Field(
        description="By start, of each status; also those that run into the day, or out of it"
    )
    bookings: list[DayBookingOut] = Field(
        description="By start, but for cancelled ones; also those that were overbooked"
    )
    time_off: list[TimeOffOut] = Field(
        description="All that overlaps the day, with its own start and end"
    )
    closures: list[ClosureOut] = Field(description="All that overlaps the day")


def day_shown(view: DayView) -> Mapping[str, Any]:
    """Return the values of `DayOut`; whoever sees it stands on the clinic's side."""
    zone, page = view.place.time_zone, view.page
    return {
        "date": view.date,
        "time_zone": zone,
        "starts_at": view.period.starts_at,
        "ends_at": view.period.ends_at,
        "clinic_id": view.place.clinic_id,
        "doctors": [_doctor_shown(one) for one in page.doctors],
        "slots": [_slot_shown(one, zone, view.now) for one in page.slots],
        "bookings": [_booking_shown(one, view.now) for one in page.bookings],
        "time_off": [TimeOffOut.of(one) for one in page.time_off],
        "closures": [ClosureOut.of(one) for one in page.closures],
    }


def _doctor_shown(one: DayDoctor) -> dict[str, Any]:
    return {
        "id": one.id,
        "full_name": one.about.full_name,
        "title": one.about.title,
        "specialty": one.about.specialty,
        "photo_url": one.about.photo_url,
        "removed": one.is_removed,
    }


def _slot_shown(one: DaySlot, zone: str, now: datetime) -> dict[str, Any]:
    slot = one.slot
    status, hold = slot.status(now), slot.hold
    return {
        "id": slot.id,
        "doctor_id": slot.doctor_id,
        "starts_at": slot.period.starts_at,
        "ends_at": slot.period.ends_at,
        "local_starts_at": local_text(slot.period.starts_at, zone),
        "local_ends_at": local_text(slot.period.ends_at, zone),
        "mode": slot.mode,
        "status": status,
        "closed_because": slot.closed_because,
        "held_until": hold.until if hold is not None and status is SlotStatus.HELD else None,
        "booking_id": slot.appointment_id,
        "kept_free_for": one.kept_free_for,
        "outside_availability": one.is_outside_availability,
        "version": slot.version,
    }


def _booking_shown(one: DayBooking, now: datetime) -> dict[str, Any]:
    card, booked = one.card, one.card.appointment
    return {
        "id": booked.id,
        "reference": booked.reference,
        "status": booked.status,
        "time_slot_id": booked.time_slot_id,
        "time_slot_ids": booked.time_slot_ids,
        "doctor_id": booked.doctor_id,
        "patient": {
            "id": booked.patient_id,
            "full_name": card.patient_name,
            "known_as": one.known_as,
        },
        "service": booked.service_id and {"id": booked.service_id, "name": card.service_name},
        "starts_at": booked.period.starts_at,
        "ends_at": booked.period.ends_at,
        "local_starts_at": local_text(booked.period.starts_at, card.time_zone),
        "local_ends_at": local_text(booked.period.ends_at, card.time_zone),
        "mode": booked.mode,
        "allowed_actions": card.allowed_actions(Side.CLINIC, now=now),
        "patient_confirmed_at": booked.patient_confirmed_at,
        "overbooked": booked.overbooked,
        "outside_availability": one.is_outside_availability,
        "version": booked.version,
    }
