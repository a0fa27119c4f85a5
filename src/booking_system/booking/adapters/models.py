"""What booking's API takes and gives."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.booking.adapters.expanded import ExpandedOut
from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.attempt import Override
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.lifecycle import AppointmentStatus, NextAction, PaymentStatus
from booking_system.booking.domain.party import Side
from booking_system.booking.records.appointment_shown import (
    EXAMPLE_ID,
    BookedPatientOut,
    ServiceSummaryOut,
)
from booking_system.directory.records.money_shown import MoneyOut
from booking_system.directory.records.references_shown import ExternalId, Metadata, noted_of
from booking_system.directory.records.summaries import ClinicSummary, DoctorSummary
from booking_system.identity.domain.actor import Actor
from booking_system.platform.http.documentation import Problem
from booking_system.platform.http.input import Input, LongText
from booking_system.scheduling.domain.local_time import local_text
from booking_system.scheduling.records.slot_shown import SlotOut
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.idempotency import IdempotencyKey
from booking_system.shared_kernel.identifiers import HoldId, PatientId, ServiceId, SlotId
from booking_system.shared_kernel.mode import Mode

CLINIC = {
    "id": "0192f0c1-2b3c-7d4e-8f50-617283940010",
    "name": "Example Clinic",
    "phone": "+49301234567",
    "address": "1 Example Street",
}


OverridableCode = Literal[
    "slot_unavailable",
    "slot_held",
    "slot_already_booked",
    "slot_in_past",
    "notice_too_short",
    "beyond_horizon",
    "service_not_offered",
    "patient_overlap",
    "too_many_open_bookings",
    "payment_required",
]


class OverrideIn(Input):
    """Which rules to set aside, and why: for the clinic's staff only."""

    reason: LongText = Field(
        description="Kept with the booking, shown to the clinic only", examples=["Emergency"]
    )
    codes: Annotated[list[OverridableCode], Field(min_length=1, max_length=9)] = Field(
        description="The codes of the refusals that shall not count", examples=[["slot_held"]]
    )

    def override(self) -> Override:
        """Return what the domain makes of it."""
        return Override(codes=frozenset(self.codes), reason=self.reason)


class BookingIn(Input):
    """Which slot to book, for whom and what for."""

    time_slot_id: UUID
    patient_id: UUID | None = Field(
        default=None, description="Default: the caller; staff name a patient of their clinic"
    )
    service_id: UUID | None = Field(
        default=None, description="Required where the clinic offers services"
    )
    hold_id: UUID | None = Field(
        default=None, description="The hold that becomes the booking: `409 hold_expired` if lost"
    )
    reason: LongText | None = Field(default=None, examples=["First visit"])
    override: OverrideIn | None = None
    external_id: ExternalId | None = None
    metadata: Metadata | None = None

    def wish(
        self, actor: Actor, *, key: IdempotencyKey | None, shown_hold: HoldId | None
    ) -> BookingWish:
        """Return what the caller asks for; raises `Invalid` where it is not said for whom."""
        patient_id = actor.patient_id if self.patient_id is None else PatientId(self.patient_id)
        if patient_id is None:
            raise Invalid.field("/patient_id", "is required: the caller is no patient", "required")
        return BookingWish(
            slot_id=SlotId(self.time_slot_id),
            patient_id=patient_id,
            service_id=None if self.service_id is None else ServiceId(self.service_id),
            reason=self.reason,
            key=key,
            hold_id=None if self.hold_id is None else HoldId(self.hold_id),
            shown_hold=shown_hold,
            override=None if self.override is None else self.override.override(),
            noted=noted_of(self.external_id, self.metadata),
        )


class SlotProblem(Problem):
    """Why a time slot cannot be had, and what could be had instead."""

    alternatives: list[SlotOut] = Field(
        default=[],
        description="Up to five of the nearest slots of the same doctor, then of the same clinic,"
        " for which the patient has time, as far as you may know: for the same service, or for the"
        " booking that moves. Absent where the slot is not what stands in the way",
    )


class CancelIn(Input):
    """Why it is cancelled."""

    reason: LongText | None = Field(default=None, examples=["Ill"])


class BookedClinicOut(ClinicSummary):
    """The clinic, and how patients find and reach it."""

    phone: str | None = Field(
        description="The clinic's telephone number (E.164); null: none is told",
        examples=["+49301234567"],
    )
    address: str | None = Field(
        description="Postal, its lines apart by newlines", examples=["1 Example Street"]
    )


class OverrideOut(BaseModel):
    """Which rules staff set aside, and why."""

    codes: list[str] = Field(
        examples=[["slot_held"]], description="The codes of the refusals that did not count"
    )
    reason: str = Field(
        examples=["Emergency"],
        description="Why, in the words of the member of staff; shown to the clinic only",
    )


class AppointmentOut(BaseModel):
    """An appointment."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(description="To be read out over the telephone", examples=["K7QM-3F9D"])
    status: AppointmentStatus
    payment_status: PaymentStatus = Field(
        description="What has been paid of it; `not_required` where it costs"
        " nothing through this system"
    )
    time_slot_id: UUID
    time_slot_ids: list[UUID] = Field(description="All its slots, in time order")
    clinic_id: UUID
    clinic: BookedClinicOut = Field(examples=[CLINIC])
    doctor_id: UUID
    doctor: DoctorSummary
    patient_id: UUID
    patient: BookedPatientOut
    service_id: UUID | None
    service: ServiceSummaryOut | None
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
    reason: str | None = Field(examples=["First visit"])
    price: MoneyOut | None = Field(description="As it was when it was booked")
    due_first: MoneyOut | None = Field(
        description="What has to be paid before it is confirmed: the deposit, or the price"
    )
    expires_at: datetime | None = Field(
        description="While `pending_payment`: its time is kept until then. UTC"
    )
    allowed_actions: list[NextAction] = Field(
        description="What the caller may do with it now: offer these buttons and no others",
        examples=[["cancel", "reschedule"]],
    )
    cancel_until: datetime = Field(description="Until then the patient may cancel. UTC")
    reschedule_until: datetime = Field(description="Until then the patient may move it. UTC")
    cancelled_by: Side | None
    cancel_reason: str | None = Field(
        description="What the person who cancelled wrote; null: nothing, or it is not cancelled"
    )
    patient_confirmed_at: datetime | None = Field(
        description="When the patient said that they will come, by answering a reminder. UTC;"
        " null again once it is moved"
    )
    overbooked: bool = Field(description="Staff booked it into a slot that is somebody else's")
    override: OverrideOut | None = Field(
        description="What staff set aside to book it; shown to the clinic only"
    )
    version: int
    created_at: datetime
    updated_at: datetime
    expanded: ExpandedOut | None = Field(
        default=None,
        description="What was asked for by `expand`. Absent otherwise, and from the answer to a"
        " booking where it could not be read: the booking is made all the same",
    )


def shown(card: AppointmentCard, actor: Actor, now: datetime) -> dict[str, Any]:
    """Return the values of `AppointmentOut`, for this caller at this instant."""
    booked, doctor, price = card.appointment, card.doctor, card.appointment.price
    first, until = (booked.due_first, booked.pay_by) if booked.pay_by else (None, None)
    side = card.side_of(actor)
    return {
        "id": booked.id,
        "reference": booked.reference,
        "status": booked.status,
        "payment_status": booked.payment_status,
        "time_slot_id": booked.time_slot_id,
        "time_slot_ids": booked.time_slot_ids,
        "clinic_id": booked.clinic_id,
        "clinic": {
            "id": booked.clinic_id,
            "name": card.clinic_name,
            "phone": card.clinic_phone,
            "address": card.clinic_address,
        },
        "doctor_id": booked.doctor_id,
        "doctor": {
            "id": booked.doctor_id,
            "full_name": doctor.full_name,
            "title": doctor.title,
            "specialty": doctor.specialty,
            "photo_url": doctor.photo_url,
        },
        "patient_id": booked.patient_id,
        "patient": {"id": booked.patient_id, "full_name": card.patient_name},
        "service_id": booked.service_id,
        "service": booked.service_id and {"id": booked.service_id, "name": card.service_name},
        "starts_at": booked.period.starts_at,
        "ends_at": booked.period.ends_at,
        "local_starts_at": local_text(booked.period.starts_at, card.time_zone),
        "local_ends_at": local_text(booked.period.ends_at, card.time_zone),
        "time_zone": card.time_zone,
        "mode": booked.mode,
        "reason": booked.reason,
        "price": price and {"amount": price.amount, "currency": price.currency},
        "due_first": first and {"amount": first.amount, "currency": first.currency},
        "expires_at": until,
        "allowed_actions": card.allowed_actions(side, now=now),
        "cancel_until": booked.cancel_until,
        "reschedule_until": booked.reschedule_until,
        "cancelled_by": booked.cancelled_by,
        "cancel_reason": booked.cancel_reason,
        "patient_confirmed_at": booked.patient_confirmed_at,
        "overbooked": booked.overbooked,
        "override": None if side is not Side.CLINIC else _override_shown(booked.override),
        "version": booked.version,
        "created_at": booked.created_at,
        "updated_at": booked.updated_at,
    }


def _override_shown(override: Override | None) -> dict[str, Any] | None:
    if override is None:
        return None
    return {"codes": sorted(override.codes), "reason": override.reason}
