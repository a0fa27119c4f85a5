"""Booking in memory: what could be booked instead, found by asking the rules of each slot."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.attempt import BookingAttempt
from booking_system.booking.domain.booking_rules import SLOT_RULES, service_is_offered
from booking_system.scheduling.domain.search import AgreedNeed, FittingService, FoundSlot, Visits
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.errors import Refusal
from booking_system.shared_kernel.identifiers import ServiceId, SlotId
from tests.booking import memory_claims as claims
from tests.booking.memory import Memory, Rows
from tests.booking.memory_facts import attempt_of, moving_of

AROUND = timedelta(days=31)


class MemoryAlternatives:
    """The nearest slots that could be booked: first the doctor's, then the clinic's."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def __call__(
        self,
        slot_id: SlotId,
        *,
        now: datetime,
        most: int,
        service_id: ServiceId | None = None,
        visits: Visits | None = None,
        moves: AgreedNeed | None = None,
    ) -> Sequence[FoundSlot]:
        rows = self._memory.rows
        wanted = rows.slots.get(slot_id) or rows.deleted.get(slot_id)
        if wanted is None:
            return []
        moved = None if moves is None else rows.appointments[moves.appointment_id]
        if moved is not None:
            service_id = moved.service_id
        moving = None if moved is None else moving_of(moved)
        at, found = wanted.period.starts_at, list[tuple[TimeSlot, BookingAttempt]]()
        for slot in rows.slots.values():
            wish = BookingWish(slot_id=slot.id, patient_id=None, service_id=service_id)
            attempt = attempt_of(rows, wish, None, now, moves=moving)
            is_near = slot.id != slot_id and abs(slot.period.starts_at - at) < AROUND
            is_there = moved is None or slot.clinic_id == moved.clinic_id
            is_own = moving is not None and slot.appointment_id == moving.id
            is_its_place = (
                is_own and moving is not None and (slot.period.starts_at == moving.starts_at)
            )
            if is_near and is_there and not is_its_place and _is_bookable(rows, attempt, visits):
                found.append((slot, attempt))
        found.sort(key=lambda it: (abs(it[0].period.starts_at - at), it[0].id))
        own = [it for it in found if it[0].doctor_id == wanted.doctor_id]
        beside = [it for it in found if it[0].clinic_id == wanted.clinic_id and it not in own]
        return [_found(rows, *it) for it in [*own, *beside][:most]]


def _is_bookable(rows: Rows, attempt: BookingAttempt, visits: Visits | None) -> bool:
    """What PostgreSQL finds in one statement, by the rules."""
    try:
        for rule in (*SLOT_RULES, service_is_offered):
            rule(attempt)
    except Refusal:
        return False
    moved = None if attempt.moves is None else attempt.moves.id
    is_busy = any(
        claims.common(rows.patient_time(one), claims.of(attempt.the_span.period))
        for one in rows.active()
        if visits is not None
        and one.patient_id == visits.patient_id
        and one.id != moved
        and (visits.are_all_told or one.clinic_id == attempt.the_slot.clinic_id)
    )
    is_held = any(hold.is_in_force(attempt.now) for _, hold in attempt.the_span.held)
    return not is_busy and not is_held


def _found(rows: Rows, slot: TimeSlot, attempt: BookingAttempt) -> FoundSlot:
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
        service=_fitting(rows, attempt),
    )


def _fitting(rows: Rows, attempt: BookingAttempt) -> FittingService | None:
    ends_at, service, moves = attempt.the_span.period.ends_at, attempt.service, attempt.moves
    if moves is not None:
        moved = rows.appointments[moves.id]
        return FittingService(
            id=moved.service_id,
            name=None if service is None else service.name,
            ends_at=ends_at,
            duration=moved.duration,
            price=moved.price,
        )
    if service is None:
        return None
    return FittingService(
        id=service.id,
        name=service.name,
        ends_at=ends_at,
        duration=service.need.duration,
        price=service.price,
    )
