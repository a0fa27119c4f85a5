"""What scheduling's API takes and gives."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.platform.http.input import Input, Instant
from booking_system.scheduling.application.ports import ShownSlot
from booking_system.scheduling.domain.offer import OfferedSlot
from booking_system.scheduling.domain.time_slot import SlotStatus, TimeSlot
from booking_system.scheduling.records.slot_shown import EXAMPLE_ID, SlotFacts
from booking_system.shared_kernel.mode import Mode


class OfferedSlotIn(Input):
    """One slot to offer."""

    starts_at: Instant = Field(examples=["2027-03-01T09:00:00+01:00"])
    ends_at: Instant = Field(examples=["2027-03-01T09:30:00+01:00"])
    mode: Mode = Mode.IN_PERSON

    def offered(self) -> OfferedSlot:
        """Return what the domain makes of it."""
        return OfferedSlot(starts_at=self.starts_at, ends_at=self.ends_at, mode=self.mode)


class OfferIn(Input):
    """Slots to offer, all or none."""

    slots: Annotated[
        list[OfferedSlotIn],
        Field(
            min_length=1,
            max_length=500,
            description="The slots; where one of them cannot be, none is made",
        ),
    ]


class SingleSlotOut(SlotFacts):
    """A time slot for its own sake, in any status."""

    status: SlotStatus
    version: int


def single_shown(shown: ShownSlot, now: datetime) -> dict[str, object]:
    """Return the values of `SingleSlotOut` at this instant."""
    slot, about = shown.slot, shown.found.as_shown()
    del about["service"]
    return about | {"status": slot.status(now), "version": slot.version}


class NewSlotOut(BaseModel):
    """A slot as it was just made."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic_id: UUID
    doctor_id: UUID
    starts_at: datetime = Field(
        description="When the slot starts. UTC", examples=["2027-03-01T08:00:00Z"]
    )
    ends_at: datetime = Field(
        description="When the slot ends, the first instant behind it. UTC",
        examples=["2027-03-01T08:30:00Z"],
    )
    mode: Mode
    status: SlotStatus
    version: int

    @classmethod
    def of(cls, slot: TimeSlot, now: datetime) -> "NewSlotOut":
        """Show a new slot as it is at this instant."""
        return cls(
            id=slot.id,
            clinic_id=slot.clinic_id,
            doctor_id=slot.doctor_id,
            starts_at=slot.period.starts_at,
            ends_at=slot.period.ends_at,
            mode=slot.mode,
            status=slot.status(now),
            version=slot.version,
        )


class NewSlotsOut(BaseModel):
    """The new slots, in the order of the request."""

    items: list[NewSlotOut]
