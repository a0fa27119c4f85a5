"""Writes a booking: it owns its slots from now on, or a hold keeps them while money is awaited."""

from operator import attrgetter

import asyncpg

from booking_system.booking.adapters import add_statements, owed_statements
from booking_system.booking.adapters.add_statements import PLAIN, Adding, AddingWithKey, Key, Needs
from booking_system.booking.adapters.owed_statements import (
    AddingToWait,
    AddingToWaitWithKey,
    Waiting,
)
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingAttempt
from booking_system.booking.domain.lifecycle import PaymentStatus
from booking_system.booking.records.cards import MINUTE
from booking_system.platform.postgres.outbox import RECORD, events_text, payload_text
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.idempotency import IdempotencyKey

_FREE = add_statements.adding, add_statements.adding_with_key
_OWED = owed_statements.adding_owed, owed_statements.adding_owed_with_key


async def add(
    connection: asyncpg.Connection,
    appointment: Appointment,
    attempt: BookingAttempt,
    key: IdempotencyKey | None,
) -> None:
    """Write appointment, its slots, acquaintance, first event and key in one statement.

    Raises `Transient` where the patient or the service went while the slot was waited for.
    """
    first, *others = appointment.pull_events()
    row, service = _row_of(appointment, first), attempt.service
    named = None if key is None else Key(key.owner, key.operation, key.key, key.fingerprint)
    with_service = service is not None and service.is_live
    needs = _needs_of(row, attempt)
    is_owed = appointment.payment_status is not PaymentStatus.NOT_REQUIRED
    adding, with_key = _OWED if is_owed else _FREE
    if appointment.is_waiting:
        waits = AddingToWait(row, _waiting(appointment, attempt))
        done = await _to_wait(connection, needs, waits, named, with_service=with_service)
    elif named is None:
        done = await adding(needs, with_service=with_service).execute(connection, row)
    else:
        keyed = AddingWithKey(row, named)
        done = await with_key(needs, with_service=with_service).execute(connection, keyed)
    if done == add_statements.NOTHING:
        raise Transient("the patient or the service went meanwhile")
    if others:
        await RECORD.execute(connection, events=events_text(others))


_is_held = attrgetter("hold")


def _needs_of(row: Adding, attempt: BookingAttempt) -> Needs:
    patient, slots = attempt.patient, attempt.the_span.slots
    return Needs(
        acquaintance=patient is None or not patient.is_known_here,
        shared_time=row.overbooked or row.patient_doubled,
        end_of_hold=any(map(_is_held, slots)),
    )


async def _to_wait(
    connection: asyncpg.Connection,
    needs: Needs,
    row: AddingToWait,
    named: Key | None,
    *,
    with_service: bool,
) -> str:
    # Of the others this statement knows nothing: its own hold takes the place of an earlier one.
    needs = PLAIN._replace(acquaintance=needs.acquaintance)
    if named is None:
        statement = owed_statements.adding_to_wait(needs, with_service=with_service)
        return await statement.execute(connection, row)
    keyed = owed_statements.adding_to_wait_with_key(needs, with_service=with_service)
    return await keyed.execute(connection, AddingToWaitWithKey(row.adding, row.waiting, named))


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
