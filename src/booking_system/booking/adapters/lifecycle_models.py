"""What the API takes and gives about the life of an appointment."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.booking.adapters.models import OverrideIn
from booking_system.booking.application.ports import MoveWish
from booking_system.booking.domain.history import Action, Entry, SlotTime
from booking_system.booking.domain.party import Side
from booking_system.platform.http.input import Input, LongText
from booking_system.shared_kernel.identifiers import AppointmentId, SlotId


class RescheduleIn(Input):
    """Where to move it, and why."""

    time_slot_id: UUID = Field(description="An open time slot of the same clinic")
    reason: LongText | None = Field(default=None, examples=["Ill"])
    override: OverrideIn | None = None

    def wish(self, appointment_id: AppointmentId) -> MoveWish:
        """Return what the caller asks for."""
        return MoveWish(
            appointment_id=appointment_id,
            slot_id=SlotId(self.time_slot_id),
            reason=self.reason,
            override=None if self.override is None else self.override.override(),
        )


class PlaceOut(BaseModel):
    """A place in the calendar."""

    time_slot_id: UUID
    starts_at: datetime = Field(
        description="When it started, or should have, in that place. UTC",
        examples=["2027-03-01T08:00:00Z"],
    )


class HistoryEntryOut(BaseModel):
    """One change of a booking."""

    version: int = Field(description="Version of the booking after this change", examples=[2])
    action: Action
    occurred_at: datetime = Field(
        description="When that was done. UTC", examples=["2027-02-01T08:00:00Z"]
    )
    by: Side
    reason: str | None = Field(description="Of a cancellation or a move", examples=["Ill"])
    left: PlaceOut | None = Field(
        alias="from", description="The slot that it left, where it was moved; null: it was not"
    )
    entered: PlaceOut | None = Field(
        alias="to", description="The slot that it was booked in, or moved to"
    )


def entry_shown(entry: Entry) -> dict[str, Any]:
    """Return the values of `HistoryEntryOut`."""
    return {
        "version": entry.version,
        "action": entry.action,
        "occurred_at": entry.occurred_at,
        "by": entry.side,
        "reason": entry.reason,
        "from": _place_shown(entry.left),
        "to": _place_shown(entry.entered),
    }


def _place_shown(place: SlotTime | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"time_slot_id": place.slot_id, "starts_at": place.starts_at}
