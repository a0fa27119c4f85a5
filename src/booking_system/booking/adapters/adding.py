"""Writes a booking: it owns its slots from now on, or a hold keeps them while money is awaited."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from booking_system.booking.adapters import add_statements, owed_statements
from booking_system.booking.adapters.add_statements import Adding, AddingWithKey, Key
from booking_system.booking.adapters.owed_statements import (
    AddingToWait,
    AddingToWaitWithKey,
    Waiting,
)
from booking_system.booking.adapters.rows import MINUTE
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingAttempt
from booking_system.booking.domain.lifecycle import PaymentStatus
from booking_system.platform.postgres.driver_blocks import Last
from booking_system.platform.postgres.outbox import payload_text
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.idempotency import IdempotencyKey


@dataclass(frozen=True, slots=True)
class Addition:
    """What writes a booking, and the events that it has besides its first."""

    last: Last
    others: Sequence[DomainEvent]


def adding(
    appointment: Appointment, attempt: BookingAttempt, key: IdempotencyKey | None
) -> Addition:
    """Write appointment, its slots, acquaintance, first event and key in one statement.

    It raises `Transient` where the patient or the service went while the slot was waited for.
    """
    first, *others = appointment.pull_events()
    row, service = _row_of(appointment, first), attempt.service
    with_service = service is not None and service.is_live
    statement, values = _statement(appointment, attempt, row, key, with_service=with_service)
    return Addition(Last(statement, values, GONE), others)


GONE = "the patient or the service went meanwhile"


def _statement(
    appointment: Appointment,
    attempt: BookingAttempt,
    row: Adding,
    key: IdempotencyKey | None,
    *,
    with_service: bool,
) -> tuple[Statement[Any], tuple[Any, ...]]:
    named = None if key is None else Key(key.owner, key.operation, key.key, key.fingerprint)
    if appointment.payment_status is PaymentStatus.NOT_REQUIRED:
        patient = attempt.patient
        is_known = patient is not None and patient.is_known_here
        is_usual = is_known and not (row.overbooked or row.patient_doubled)
        if named is None:
            return add_statements.adding(is_usual=is_usual, with_service=with_service), row
        keyed = add_statements.adding_with_key(is_usual=is_usual, with_service=with_service)
        return keyed, AddingWithKey(row, named)
    if not appointment.is_waiting:
        if named is None:
            return owed_statements.adding_owed(with_service=with_service), row
        owed = owed_statements.adding_owed_with_key(with_service=with_service)
        return owed, AddingWithKey(row, named)
    waits = _waiting(appointment, attempt)
    if named is None:
        waiting = owed_statements.adding_to_wait(with_service=with_service)
        return waiting, AddingToWait(row, waits)
    both = owed_statements.adding_to_wait_with_key(with_service=with_service)
    return both, AddingToWaitWithKey(row, waits, named)


def _waiting(appointment: Appointment, attempt: BookingAttempt) -> Waiting:
    first, pay_by, clinic = appointment.due_first, appointment.pay_by, attempt.clinic
    assert first is not None, "what waits has to be paid first"
    assert pay_by is not None, "what waits does not wait for ever"
    assert clinic is not None, "a slot always has a clinic"
    return Waiting(
        due_first_amount=first.amount,
        pay_by=pay_by,
        hold_minutes=clinic.payment_window // MINUTE,
        touched_ids=[slot.id for slot in attempt.the_span.touched],
        is_spread=appointment.reaches_further,
    )


def _row_of(appointment: Appointment, first: DomainEvent) -> Adding:
    price, blocked, override = appointment.price, appointment.blocked, appointment.override
    return Adding(
        id=appointment.id,
        reference=appointment.reference,
        status=appointment.status,
        payment_status=appointment.payment_status,
        time_slot_id=appointment.time_slot_id,
        time_slot_ids=appointment.time_slot_ids,
        clinic_id=appointment.clinic_id,
        doctor_id=appointment.doctor_id,
        patient_id=appointment.patient_id,
        service_id=appointment.service_id,
        starts_at=appointment.period.starts_at,
        ends_at=appointment.period.ends_at,
        blocked_from=blocked.starts_at,
        blocked_until=blocked.ends_at,
        duration_minutes=appointment.duration // MINUTE,
        mode=appointment.mode,
        reason=appointment.reason,
        price_amount=None if price is None else price.amount,
        price_currency=None if price is None else price.currency,
        cancel_notice_minutes=appointment.cancel_notice // MINUTE,
        booked_by=appointment.booked_by,
        created_at=appointment.created_at,
        overbooked=appointment.overbooked,
        patient_doubled=appointment.patient_doubled,
        override_codes=None if override is None else sorted(override.codes),
        override_reason=None if override is None else override.reason,
        event_id=uuid7(),
        event_name=first.name,
        event_payload=payload_text(first),
    )
