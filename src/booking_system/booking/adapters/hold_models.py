"""What the API takes and gives about holds, and about why a slot can be booked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.booking.application.explain_slot import Finding
from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.booking_rules import EXPLAINED
from booking_system.booking.domain.holding import HeldSlot, Holder
from booking_system.platform.http.input import Input
from booking_system.shared_kernel.identifiers import PatientId, ServiceId, SlotId

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940003"


class HoldIn(Input):
    """Which slot to hold, and for whom."""

    time_slot_id: UUID
    patient_id: UUID | None = Field(
        default=None,
        description="Default: the caller; staff name a patient of their clinic, or nobody yet",
    )
    service_id: UUID | None = Field(
        default=None,
        description="What it is held for: the hold then keeps all time that the service takes",
    )
    booking_id: UUID | None = Field(
        default=None,
        description="To move this booking, of yours or of your clinic: the hold keeps all time that"
        " it takes. Not together with `service_id`",
    )

    def wish(self, holder: Holder) -> BookingWish:
        """Return what the holder asks for."""
        own = None if holder.actor is None else holder.actor.patient_id
        return BookingWish(
            slot_id=SlotId(self.time_slot_id),
            patient_id=own if self.patient_id is None else PatientId(self.patient_id),
            service_id=None if self.service_id is None else ServiceId(self.service_id),
            shown_hold=holder.shown_hold,
        )


class HoldOut(BaseModel):
    """A time slot, or several in a row, kept for somebody."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    time_slot_id: UUID
    time_slot_ids: list[UUID] = Field(description="All that a booking with it takes, in time order")
    clinic_id: UUID
    doctor_id: UUID
    patient_id: UUID | None = Field(description="Whom it is for; null: nobody said so yet")
    starts_at: datetime = Field(
        description="When the time that is kept starts. UTC", examples=["2027-03-01T08:00:00Z"]
    )
    ends_at: datetime = Field(
        description="When the time that is kept ends. UTC", examples=["2027-03-01T08:30:00Z"]
    )
    expires_at: datetime = Field(
        description="The hold is over at this instant, UTC", examples=["2027-02-01T08:10:00Z"]
    )
    server_now: datetime = Field(
        description="Count down from this, not from the device's clock, UTC",
        examples=["2027-02-01T08:00:00Z"],
    )
    can_be_extended: bool = Field(description="Once, by the same length (WCAG 2.2.1)")


class NewHoldOut(HoldOut):
    """A new hold."""

    hold_token: str | None = Field(
        description="Where nobody is signed in: owns the hold. Shown here only; send it as "
        "`Hold-Token` to read, extend, release or book. Otherwise null",
        examples=[None],
    )


class FindingOut(BaseModel):
    """What one rule says."""

    code: str = Field(
        description="With which a booking would be refused",
        examples=["slot_held"],
        json_schema_extra={"enum": [*dict.fromkeys(EXPLAINED)]},
    )
    passed: bool = Field(description="Whether the slot can be booked as far as this rule goes")
    detail: str = Field(
        examples=["Nobody else is booking the slot at this moment."],
        description="What the `code` means, in a sentence for people",
    )


class ExplanationOut(BaseModel):
    """Why a slot can be booked, or why not."""

    bookable: bool = Field(description="Whether this caller could book it now")
    rules: list[FindingOut] = Field(description="All of them, in the order in which they are asked")


def hold_shown(held: HeldSlot, now: datetime) -> dict[str, Any]:
    """Return the values of `HoldOut` at this instant."""
    slot, hold = held.slot, held.hold
    return {
        "id": hold.id,
        "time_slot_id": slot.id,
        "time_slot_ids": held.span.slot_ids,
        "clinic_id": slot.clinic_id,
        "doctor_id": slot.doctor_id,
        "patient_id": hold.patient_id,
        "starts_at": held.span.period.starts_at,
        "ends_at": held.span.period.ends_at,
        "expires_at": hold.until,
        "server_now": now,
        "can_be_extended": not hold.is_extended,
    }


def finding_shown(finding: Finding) -> dict[str, Any]:
    """Return the values of `FindingOut`."""
    return {"code": finding.code, "passed": finding.passed, "detail": finding.detail}
