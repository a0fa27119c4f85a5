"""Booking in memory: the facts that rules judge, and what could be booked instead."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import (
    BookingAttempt,
    MovingFacts,
    PatientFacts,
    ServiceFacts,
    is_owner,
)
from booking_system.booking.domain.lifecycle import OPEN
from booking_system.booking.domain.span import Span
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.search import Visits
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.identifiers import AppointmentId, HoldId
from tests.booking import memory_claims as claims
from tests.booking.memory import Rows
from tests.booking.spans_by_hand import NearbySlot, span_from

AROUND = timedelta(days=31)


def moving_of(appointment: Appointment) -> MovingFacts:
    return MovingFacts(
        id=appointment.id,
        doctor_id=appointment.doctor_id,
        starts_at=appointment.period.starts_at,
        need=appointment.need,
    )


def ending(attempt: BookingAttempt) -> frozenset[HoldId]:
    """The holds that end with a booking, beyond that of a slot which is enough by itself."""
    return frozenset(hold.id for _, hold in attempt.the_span.held)


def attempt_of(
    rows: Rows,
    wish: BookingWish,
    actor: Actor | None,
    now: datetime,
    *,
    moves: MovingFacts | None = None,
    costs_nothing: bool = False,
) -> BookingAttempt:
    """The facts of a booking, as if the appointment that `moves` were not there.

    Where it `costs_nothing` to ask, of a patient's appointments what the actor may be told.
    """
    slot = rows.slots.get(wish.slot_id)
    if slot is None or rows.doctors[slot.doctor_id].removed_at is not None:
        return BookingAttempt(now=now, actor=actor, slot=None, moves=moves)
    span = _span(rows, wish, slot, actor, now, moves)
    others = [one for one in rows.active() if moves is None or one.id != moves.id]
    needed = claims.of(span.blocked)
    visits = wish.visits_told_to(actor) if costs_nothing else None
    attempt = BookingAttempt(
        now=now,
        actor=actor,
        slot=span.slots[0],
        span=span,
        is_clear=not any(
            claims.common(rows.doctor_time(one), needed)
            for one in others
            if one.doctor_id == slot.doctor_id
        ),
        clinic=rows.clinics[slot.clinic_id].facts,
        doctor=rows.doctors[slot.doctor_id].facts,
        patient=_patient(rows, wish, span, now, moves, visits),
        service_id=wish.service_id,
        service=_service(rows, wish, slot),
        reason=wish.reason,
        moves=moves,
        hold_id=wish.hold_id,
        shown_hold=wish.shown_hold,
        override=wish.override,
        wants_patient=wish.patient_id is not None,
    )
    return replace(attempt, holds_another_slot=_holds_another(rows, attempt))


def _holds_another(rows: Rows, attempt: BookingAttempt) -> bool:
    hold, named = attempt.the_slot.hold, attempt.hold_id
    if named is None or (hold is not None and hold.id == named):
        return False
    others = [one.hold for one in (*rows.slots.values(), *rows.deleted.values())]
    return any(
        one is not None and one.id == named and one.is_in_force(attempt.now) for one in others
    )


def _span(
    rows: Rows,
    wish: BookingWish,
    slot: TimeSlot,
    actor: Actor | None,
    now: datetime,
    moves: MovingFacts | None,
) -> Span:
    """What the booking takes, of all that the doctor has."""
    moved = None if moves is None else moves.id
    own = [
        _without(rows, one, moved) for one in rows.slots.values() if one.doctor_id == slot.doctor_id
    ]
    nearby = [NearbySlot(slot=one, gap=timedelta()) for one in own]
    first = _without(rows, slot, moved)
    kept = None if moves is not None else _kept_span(rows, own, first, wish, actor, now)
    if kept is not None:
        return kept
    need = None if moves is None else moves.need
    service = None if wish.service_id is None else rows.services.get(wish.service_id)
    if need is None and service is not None and service.clinic_id == slot.clinic_id:
        need = service.facts.need
    zone = rows.clinics[slot.clinic_id].facts.time_zone
    span = span_from(first, nearby, need, time_zone=zone)
    return replace(span, beside=_beside(own, span)) if span.before or span.after else span


def _beside(own: Sequence[TimeSlot], span: Span) -> tuple[TimeSlot, ...]:
    """The next slots on both sides of the time that is kept free."""
    before = [one for one in own if one.period.ends_at <= span.blocked.starts_at]
    after = [one for one in own if one.period.starts_at >= span.blocked.ends_at]
    return (
        *sorted(before, key=lambda one: one.period.starts_at)[-1:],
        *sorted(after, key=lambda one: one.period.starts_at)[:1],
    )


def _kept_span(
    rows: Rows,
    own: Sequence[TimeSlot],
    first: TimeSlot,
    wish: BookingWish,
    actor: Actor | None,
    now: datetime,
) -> Span | None:
    """What their hold for this very service keeps."""
    hold = first.hold_in_force(now)
    if hold is None or hold.terms is None or hold.terms.service_id != wish.service_id:
        return None
    patient = None if wish.patient_id is None else wish.patient_id
    if not is_owner(hold, actor=actor, patient_id=patient, shown_hold=wish.shown_hold):
        return None
    if hold.blocks is None:
        return Span(slots=(first,))
    taken = [one for one in own if one.hold == hold and one.id in rows.places]
    taken.sort(key=lambda one: rows.places[one.id])
    if taken[0].id != first.id:
        return None
    around = [one for one in own if one not in taken and one.period.overlaps(hold.blocks)]
    return Span(
        slots=tuple(taken),
        around=tuple(sorted(around, key=lambda one: one.period.starts_at)),
        before=first.period.starts_at - hold.blocks.starts_at,
        after=hold.blocks.ends_at - taken[-1].period.ends_at,
    )


def _without(rows: Rows, slot: TimeSlot, moves: AppointmentId | None) -> TimeSlot:
    owner = None if slot.appointment_id == moves else slot.appointment_id
    is_blocked = any(one != moves for one in rows.marks.get(slot.id, []))
    return replace(slot, appointment_id=owner, is_blocked=is_blocked)


def _patient(
    rows: Rows,
    wish: BookingWish,
    span: Span,
    now: datetime,
    moves: MovingFacts | None,
    visits: Visits | None,
) -> PatientFacts | None:
    slot = span.slots[0]
    patient = None if wish.patient_id is None else rows.patients.get(wish.patient_id)
    if patient is None or (patient.removed_at is not None and moves is None):
        return None
    others = [
        one
        for one in rows.active()
        if one.patient_id == patient.id and (moves is None or one.id != moves.id)
    ]
    to_come = [
        one
        for one in others
        if one.clinic_id == slot.clinic_id and one.period.starts_at > now and one.status in OPEN
    ]
    return PatientFacts(
        id=patient.id,
        full_name=patient.full_name,
        is_known_here=(slot.clinic_id, patient.id) in rows.known,
        is_busy=any(
            claims.common(claims.claimed(one, one.period, ()), claims.of(span.period))
            for one in others
            if visits is None or visits.are_all_told or one.clinic_id == slot.clinic_id
        ),
        open_bookings=len(to_come),
    )


def _service(rows: Rows, wish: BookingWish, slot: TimeSlot) -> ServiceFacts | None:
    service = None if wish.service_id is None else rows.services.get(wish.service_id)
    if service is None or service.clinic_id != slot.clinic_id:
        return None
    return replace(service.facts, is_offered_by_doctor=slot.doctor_id in service.doctors)
