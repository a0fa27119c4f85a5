"""What is told of removing and restoring: the thing itself, and the calendars that follow it."""

from datetime import datetime
from typing import Any

from booking_system.desk.domain.removal import Kind, Removable
from booking_system.directory.domain.events import (
    ClinicRemoved,
    ClinicRestored,
    DoctorRemoved,
    DoctorRestored,
    ServiceRemoved,
    ServiceRestored,
)
from booking_system.scheduling.domain.events import CalendarCause, CalendarChanged
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import DoctorId, ServiceId


def told_of(found: Removable, *, removed: bool, now: datetime) -> list[DomainEvent]:
    """Return the events; of a patient none, as nobody keeps a copy of one."""
    if found.clinic_id is None:
        return []
    about: dict[str, Any] = {
        "occurred_at": now,
        "clinic_id": found.clinic_id,
        "version": found.version + 1,
    }
    events: list[DomainEvent] = []
    doctor_id: DoctorId | None = None
    if found.kind is Kind.SERVICE:
        service = ServiceRemoved if removed else ServiceRestored
        return [service(service_id=ServiceId(found.id), **about)]
    if found.kind is Kind.DOCTOR:
        doctor_id = DoctorId(found.id)
        doctor = DoctorRemoved if removed else DoctorRestored
        events.append(doctor(doctor_id=doctor_id, **about))
    else:
        clinic = ClinicRemoved if removed else ClinicRestored
        events.append(clinic(**about))
    changed = CalendarChanged(
        occurred_at=now,
        clinic_id=found.clinic_id,
        doctor_id=doctor_id,
        starts_at=now,
        ends_at=None,
        because=CalendarCause.REMOVED if removed else CalendarCause.RESTORED,
    )
    return [*events, changed]
