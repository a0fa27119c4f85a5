"""Which slots a booking page follows, and which of them an event may have made others.

What an event says of slots is a hint where to look, and no more: what is open there is then asked
of the search itself, so a page is told what the search would answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_system.integrations.domain.feed import FeedEvent
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, ServiceId, SlotId
from booking_system.shared_kernel.period import Period

DAY = timedelta(days=1)
"""A service takes slots of one local day, and its buffers reach no further than the next."""
OF_CLINIC = frozenset({"clinic.changed", "clinic.removed", "clinic.restored"})
OF_SERVICE = frozenset({"service.changed", "service.removed", "service.restored"})
OF_SLOTS = ("booking.", "slot.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotState:
    """Whether a slot could be booked at the instant at which somebody looked. UTC."""

    id: SlotId
    doctor_id: DoctorId
    starts_at: datetime
    ends_at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Slots of a doctor that begin in a stretch of time may be others now; `gone` surely are."""

    clinic_id: ClinicId
    doctor_id: DoctorId
    starts: Period
    gone: tuple[SlotState, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """What was known of slots is worth nothing: read them anew.

    Those of one doctor or service, None: of all; that begin from `since` on and before `until`
    (UTC), None: without a bound.
    """

    clinic_id: ClinicId
    doctor_id: DoctorId | None = None
    service_id: ServiceId | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a page shows: the slots of a clinic, or of one doctor of it, that begin in a period.

    With a service: those in which it could begin.
    """

    clinic_id: ClinicId
    doctor_id: DoctorId | None
    service_id: ServiceId | None
    period: Period

    def is_of(self, doctor_id: DoctorId | None) -> bool:
        """Say whether slots of this doctor (None: of any) are shown."""
        return doctor_id is None or self.doctor_id is None or self.doctor_id == doctor_id

    def is_void(self, void: Void) -> bool:
        """Say whether the page has to be read anew."""
        return (
            void.clinic_id == self.clinic_id
            and self.is_of(void.doctor_id)
            and (void.service_id is None or void.service_id == self.service_id)
            and (void.since is None or void.since < self.period.ends_at)
            and (void.until is None or void.until > self.period.starts_at)
        )

    def shown(self, states: Iterable[SlotState]) -> list[SlotState]:
        """Return those that the page shows."""
        return [one for one in states if one.starts_at in self.period and self.is_of(one.doctor_id)]


def hint_of(event: FeedEvent) -> Sequence[Touched | Void]:
    """Return where an event of the feed says that slots may be others.

    Where it says less than it should, as another version of the program wrote it, all slots of its
    clinic may be.
    """
    try:
        return _hint_of(event.name, event.data)
    except (KeyError, TypeError, ValueError):
        return [] if event.clinic_id is None else [Void(clinic_id=event.clinic_id)]


def _hint_of(name: str, data: Mapping[str, Any]) -> Sequence[Touched | Void]:
    if name == "calendar.changed":
        doctor_id, until = data["doctor_id"], data["ends_at"]
        return [
            Void(
                clinic_id=ClinicId(UUID(data["clinic_id"])),
                doctor_id=None if doctor_id is None else DoctorId(UUID(doctor_id)),
                since=_instant(data["starts_at"]) - DAY,
                until=None if until is None else _instant(until),
            )
        ]
    if name in OF_CLINIC:
        return [Void(clinic_id=ClinicId(UUID(data["clinic_id"])))]
    if name in OF_SERVICE:
        clinic_id, service_id = UUID(data["clinic_id"]), UUID(data["service_id"])
        return [Void(clinic_id=ClinicId(clinic_id), service_id=ServiceId(service_id))]
    if name.startswith(OF_SLOTS):
        return _of_slots(data)
    return []


def _of_slots(data: Mapping[str, Any]) -> Sequence[Touched]:
    """A hold and an appointment take, or leave, more than they name: all around it is looked at."""
    clinic_id, doctor_id = ClinicId(UUID(data["clinic_id"])), DoctorId(UUID(data["doctor_id"]))
    starts_at, ends_at = _instant(data["starts_at"]), _instant(data["ends_at"])
    gone: tuple[SlotState, ...] = ()
    if data.get("deleted"):
        gone = tuple(
            SlotState(
                id=SlotId(UUID(one)),
                doctor_id=doctor_id,
                starts_at=starts_at,
                ends_at=ends_at,
                is_open=False,
            )
            for one in data["time_slot_ids"]
        )
    starts = Period(starts_at - DAY, ends_at + DAY)
    touched = [Touched(clinic_id=clinic_id, doctor_id=doctor_id, starts=starts, gone=gone)]
    if "left_starts_at" in data:
        left_at, length = _instant(data["left_starts_at"]), ends_at - starts_at
        touched.append(
            Touched(
                clinic_id=clinic_id,
                doctor_id=DoctorId(UUID(data["left_doctor_id"])),
                starts=Period(left_at - DAY, left_at + length + DAY),
            )
        )
    return touched


def stretches(periods: Iterable[Period]) -> list[Period]:
    """Return the same time in as few periods as can be, in order."""
    joined: list[Period] = []
    for one in sorted(periods, key=lambda period: period.starts_at):
        if joined and one.starts_at <= joined[-1].ends_at:
            last = joined.pop()
            joined.append(Period(last.starts_at, max(last.ends_at, one.ends_at)))
        else:
            joined.append(one)
    return joined


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
