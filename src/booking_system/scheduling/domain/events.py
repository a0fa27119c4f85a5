"""What scheduling tells the rest of the world: which slots are offered, and which no longer.

A slot that a hand opens or closes is told by its id. What changes a calendar changes hundreds of
slots at once, and is told as one stretch of time: who follows reads anew what is open in it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, SlotId


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotEvent(DomainEvent):
    """A hand changed slots of one doctor, which lie between two instants (UTC).

    `version` is that of each of these slots now.
    """

    time_slot_ids: tuple[SlotId, ...]
    clinic_id: ClinicId
    doctor_id: DoctorId
    starts_at: datetime
    ends_at: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsOpened(SlotEvent):
    """Slots were offered, or one was reopened, by hand."""

    name: ClassVar[str] = "slot.opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotClosed(SlotEvent):
    """A slot was closed by hand, or deleted."""

    name: ClassVar[str] = "slot.closed"

    deleted: bool


class CalendarCause(StrEnum):
    """What made a calendar change."""

    HOURS = "hours"
    TIME_OFF = "time_off"
    CLOSURE = "closure"
    REMOVED = "removed"
    RESTORED = "restored"
    TIME_ZONE = "time_zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChanged(DomainEvent):
    """Slots of a doctor, or of a whole clinic, opened or closed in a stretch of time.

    `doctor_id` is None where all doctors of the clinic are meant. Slots that begin from `starts_at`
    on and before `ends_at` may be others now; None: all that begin later.
    """

    name: ClassVar[str] = "calendar.changed"

    clinic_id: ClinicId
    doctor_id: DoctorId | None
    starts_at: datetime
    ends_at: datetime | None
    because: CalendarCause


def opened(slots: list[TimeSlot], *, now: datetime) -> SlotsOpened:
    """Return the event that these slots of one doctor are offered; there is at least one."""
    return SlotsOpened(
        occurred_at=now,
        time_slot_ids=tuple(slot.id for slot in slots),
        clinic_id=slots[0].clinic_id,
        doctor_id=slots[0].doctor_id,
        starts_at=min(slot.period.starts_at for slot in slots),
        ends_at=max(slot.period.ends_at for slot in slots),
        version=slots[0].version,
    )


def closed(slot: TimeSlot, *, deleted: bool, now: datetime) -> SlotClosed:
    """Return the event that a slot is offered no longer."""
    return SlotClosed(
        occurred_at=now,
        time_slot_ids=(slot.id,),
        clinic_id=slot.clinic_id,
        doctor_id=slot.doctor_id,
        starts_at=slot.period.starts_at,
        ends_at=slot.period.ends_at,
        version=slot.version,
        deleted=deleted,
    )
