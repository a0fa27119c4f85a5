"""Booking in memory: the facts that rules judge, and what could be booked instead."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.attempt import BookingAttempt, PatientFacts, ServiceFacts
from booking_system.booking.domain.booking_rules import SLOT_RULES, service_is_offered
from booking_system.booking.domain.span import NearbySlot, Span, span_from
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.search import FoundSlot
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.errors import Refusal
from booking_system.shared_kernel.identifiers import AppointmentId, ServiceId, SlotId
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
    span = _span(rows, wish, slot, moves)
    return BookingAttempt(
        now=now,
        actor=actor,
        slot=span.slots[0],
        span=span,
        is_clear=not any(
            one.doctor_id == slot.doctor_id and one.blocked.overlaps(span.blocked)
            for one in rows.active()
            if one.id != moves and not one.overbooked
        ),
        clinic=rows.clinics[slot.clinic_id].facts,
        doctor=rows.doctors[slot.doctor_id].facts,
        patient=_patient(rows, wish, span, now, moves),
        service_id=wish.service_id,
        service=_service(rows, wish, slot),
        reason=wish.reason,
        moves=moves,
        hold_id=wish.hold_id,
        shown_hold=wish.shown_hold,
        override=wish.override,
        wants_patient=wish.patient_id is not None,
    )


def _span(rows: Rows, wish: BookingWish, slot: TimeSlot, moves: AppointmentId | None) -> Span:
    """What the booking takes, of all that the doctor has."""
    nearby = [
        NearbySlot(slot=_without(rows, one, moves), gap=timedelta())
        for one in rows.slots.values()
        if one.doctor_id == slot.doctor_id
    ]
    service = None if wish.service_id is None else rows.services.get(wish.service_id)
    is_here = service is not None and service.clinic_id == slot.clinic_id
    need = service.facts.need if service is not None and is_here else None
    zone = rows.clinics[slot.clinic_id].facts.time_zone
    return span_from(_without(rows, slot, moves), nearby, need, time_zone=zone)


def _without(rows: Rows, slot: TimeSlot, moves: AppointmentId | None) -> TimeSlot:
    owner = None if slot.appointment_id == moves else slot.appointment_id
    is_blocked = any(one != moves for one in rows.marks.get(slot.id, []))
    return replace(slot, appointment_id=owner, is_blocked=is_blocked)


def _patient(
    rows: Rows, wish: BookingWish, span: Span, now: datetime, moves: AppointmentId | None
) -> PatientFacts | None:
    slot = span.slots[0]
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
        is_busy=any(one.period.overlaps(span.period) for one in others),
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

    async def __call__(
        self, slot_id: SlotId, *, now: datetime, most: int, service_id: ServiceId | None = None
    ) -> Sequence[FoundSlot]:
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
                and _is_bookable(rows, one, service_id, now)
            ),
            key=lambda one: (abs(one.period.starts_at - at), one.id),
        )
        own = [one for one in near if one.doctor_id == wanted.doctor_id]
        beside = [one for one in near if one.clinic_id == wanted.clinic_id and one not in own]
        return [_found(rows, one) for one in [*own, *beside][:most]]


def _is_bookable(rows: Rows, slot: TimeSlot, service_id: ServiceId | None, now: datetime) -> bool:
    """What PostgreSQL finds in one statement, by the rules."""
    wish = BookingWish(slot_id=slot.id, patient_id=None, service_id=service_id)
    attempt = attempt_of(rows, wish, None, now)
    try:
        for rule in (*SLOT_RULES, service_is_offered):
            rule(attempt)
    except Refusal:
        return False
    return all(one.hold_in_force(now) is None for one in attempt.the_span.touched)


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
