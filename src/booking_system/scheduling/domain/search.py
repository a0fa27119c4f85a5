"""A search for slots: what it asks for, and what it finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, ServiceId, SlotId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

USUAL_RANGE = timedelta(days=7)
LONGEST_RANGE = timedelta(days=62)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSearch:
    """Filters that all have to hold; None: any. `after` is the sort key of the last one seen.

    No slot is wanted that overlaps a `busy` period.
    """

    period: Period
    clinic_id: ClinicId | None = None
    doctor_id: DoctorId | None = None
    service_id: ServiceId | None = None
    specialty: str | None = None
    language: str | None = None
    mode: Mode | None = None
    busy: Sequence[Period] = ()
    after: tuple[datetime, UUID] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSlot:
    """An open slot with what a patient wants to know of it. Instants in UTC."""

    id: SlotId
    clinic_id: ClinicId
    clinic_name: str
    time_zone: str
    doctor_id: DoctorId
    doctor_name: str
    doctor_title: str | None
    specialty: str | None
    photo_url: str | None
    starts_at: datetime
    ends_at: datetime
    mode: Mode

    def as_shown(self) -> dict[str, object]:
        """Return the slot as every client of ours sees one, in a list or as an alternative."""
        return {
            "id": self.id,
            "clinic_id": self.clinic_id,
            "doctor_id": self.doctor_id,
            "doctor": {
                "id": self.doctor_id,
                "full_name": self.doctor_name,
                "title": self.doctor_title,
                "specialty": self.specialty,
                "photo_url": self.photo_url,
            },
            "clinic": {"id": self.clinic_id, "name": self.clinic_name},
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
            "local_starts_at": wall_clock(self.starts_at, self.time_zone),
            "time_zone": self.time_zone,
            "mode": self.mode,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Stretches of time that a doctor, or the whole clinic where none is named, is to be away."""

    clinic_id: ClinicId
    doctor_id: DoctorId | None = None
    periods: tuple[Period, ...]


def search_range(since: datetime | None, until: datetime | None, *, now: datetime) -> Period:
    """Return the range to search: seven days from now unless asked otherwise.

    Raises `Invalid` for one that ends before it starts or is longer than 62 days.
    """
    starts_at = since or now
    ends_at = until or starts_at + USUAL_RANGE
    if ends_at <= starts_at:
        raise Invalid.field("/to", "must be after from", "ends_too_early")
    if ends_at - starts_at > LONGEST_RANGE:
        raise Invalid.field("/to", f"at most {LONGEST_RANGE.days} days after from", "too_long")
    return Period(starts_at, ends_at)
