"""Booking in memory: the facts that rules judge, and what could be booked instead."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.attempt import BookingAttempt, PatientFacts, ServiceFacts
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.search import FoundSlot
from booking_system.scheduling.domain.time_slot import SlotStatus, TimeSlot
from booking_system.shared_kernel.identifiers import AppointmentId, SlotId
from tests.booking.memory import Memory, Rows

AROUND = timedelta(days=31)


def attempt_of(
    rows: Rows,
    wish: BookingWish,
    actor: Actor | None,
    now: datetime,
    *,
    moves: AppointmentId | None = None,
) -> BookingAttempt:
    """The facts of a booking, as if the appointment that `moves` were not there."""
    slot = rows.slots.get(wish.slot_id)
    if slot is None:
        return BookingAttempt(now=now, actor=actor, slot=None, moves=moves)
    return BookingAttempt(
        now=now,
        actor=actor,
        slot=slot,
        clinic=rows.clinics[slot.clinic_id].facts,
        doctor=rows.doctors[slot.doctor_id].facts,
        patient=_patient(rows, wish, slot, now, moves),
        service_id=wish.service_id,
        service=_service(rows, wish, slot),
        reason=wish.reason,
        moves=moves,
        hold_id=wish.hold_id,
        shown_hold=wish.shown_hold,
        override=wish.override,
        wants_patient=wish.patient_id is not None,
    )


def _patient(
    rows: Rows, wish: BookingWish, slot: TimeSlot, now: datetime, moves: AppointmentId | None
) -> PatientFacts | None:
    patient = None if wish.patient_id is None else rows.patients.get(wish.patient_id)
    if patient is None or patient.removed_at is not None:
        return None
    others = [one for one in rows.active() if one.patient_id == patient.id and one.id != moves]
    to_come = [
        one for one in others if one.clinic_id == slot.clinic_id and one.period.starts_at > now
    ]
    return PatientFacts(
        id=patient.id,
        full_name=patient.full_name,
        is_known_here=(slot.clinic_id, patient.id) in rows.known,
        is_busy=any(one.period.overlaps(slot.period) for one in others),
        open_bookings=len(to_come),
    )


def _service(rows: Rows, wish: BookingWish, slot: TimeSlot) -> ServiceFacts | None:
    service = None if wish.service_id is None else rows.services.get(wish.service_id)
    if service is None or service.clinic_id != slot.clinic_id:
        return None
    return replace(service.facts, is_offered_by_doctor=slot.doctor_id in service.doctors)


class MemoryAlternatives:
    """The nearest slots that could be booked: first the doctor's, then the clinic's."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def __call__(self, slot_id: SlotId, *, now: datetime, most: int) -> Sequence[FoundSlot]:
        rows = self._memory.rows
        wanted = rows.slots.get(slot_id) or rows.deleted.get(slot_id)
        if wanted is None:
            return []
        at = wanted.period.starts_at
        near = sorted(
            (
                one
                for one in rows.slots.values()
                if one.id != slot_id
                and abs(one.period.starts_at - at) < AROUND
                and _is_bookable(rows, one, now)
            ),
            key=lambda one: (abs(one.period.starts_at - at), one.id),
        )
        own = [one for one in near if one.doctor_id == wanted.doctor_id]
        beside = [one for one in near if one.clinic_id == wanted.clinic_id and one not in own]
        return [_found(rows, one) for one in [*own, *beside][:most]]


def _is_bookable(rows: Rows, slot: TimeSlot, now: datetime) -> bool:
    clinic, ahead = rows.clinics[slot.clinic_id].facts, slot.period.starts_at - now
    is_in_time = clinic.minimum_notice <= ahead <= clinic.horizon
    return slot.status(now) is SlotStatus.OPEN and ahead > timedelta() and is_in_time


def _found(rows: Rows, slot: TimeSlot) -> FoundSlot:
    clinic, doctor = rows.clinics[slot.clinic_id].facts, rows.doctors[slot.doctor_id].facts
    return FoundSlot(
        id=slot.id,
        clinic_id=slot.clinic_id,
        clinic_name=clinic.name,
        time_zone=clinic.time_zone,
        doctor_id=slot.doctor_id,
        doctor_name=doctor.full_name,
        doctor_title=doctor.title,
        specialty=doctor.specialty,
        photo_url=doctor.photo_url,
        starts_at=slot.period.starts_at,
        ends_at=slot.period.ends_at,
        mode=slot.mode,
    )
