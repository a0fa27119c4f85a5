"""The statements that book what is paid for through us: at any time, or before it is confirmed."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    CTE,
    Boolean,
    Insert,
    Update,
    any_,
    bindparam,
    case,
    select,
)

from booking_system.booking.adapters.add_statements import (
    VALUE,
    Adding,
    AddingWithKey,
    Key,
    Needs,
    adding_of,
    known,
    living,
    owned,
    shared_times,
    storing_the_key,
)
from booking_system.booking.records.tables import appointments
from booking_system.directory.records.tables import clinics
from booking_system.platform.postgres.phrases import a_number, during, given, ids
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.claims import kept_for_an_appointment
from booking_system.scheduling.records.tables import time_slots


class Waiting(NamedTuple):
    """What a booking waits for that has to be paid first, and the slots that a hold keeps for it.

    `is_spread`: the time that is kept is more than its one slot.
    """

    due_first_amount: int
    pay_by: datetime
    hold_minutes: int
    touched_ids: Sequence[UUID]
    is_spread: bool


class AddingToWait(NamedTuple):
    """An appointment that waits for money."""

    adding: Adding
    waiting: Waiting


class AddingToWaitWithKey(NamedTuple):
    """All three."""

    adding: Adding
    waiting: Waiting
    named: Key


TERMS = ("late_cancel_minutes", "late_cancel_percent", "no_show_percent")
CLINIC = (
    select(*(clinics.c[name] for name in TERMS))
    .where(clinics.c.id == VALUE["clinic_id"])
    .subquery("clinic")
)
TODAY = {name: CLINIC.c[name] for name in TERMS}
"""The clinic's terms of the day of booking."""
WAITS = {name: given(appointments.c[name]) for name in ("due_first_amount", "pay_by")}


def _owed(patient: CTE, *others: CTE, needs: Needs) -> Insert:
    more = (shared_times() if needs.shared_time else {}) | TODAY
    return adding_of(patient, owned(patient, needs), *others, more=more, beside=CLINIC)


def _waiting(patient: CTE, *others: CTE) -> Insert:
    more = TODAY | WAITS | {"released_at": VALUE["blocked_from"]}
    return adding_of(patient, _kept(patient), *others, more=more, beside=CLINIC)


def _kept(patient: CTE) -> Update:
    time = during(VALUE["blocked_from"], VALUE["blocked_until"])
    return (
        kept_for_an_appointment(
            VALUE["id"],
            until=WAITS["pay_by"],
            minutes=a_number("hold_minutes"),
            slot_ids=VALUE["time_slot_ids"],
            time=case((bindparam("is_spread", type_=Boolean()), time)),
        )
        .where(time_slots.c.id == any_(ids("touched_ids")))
        .where(patient.c.id == VALUE["patient_id"])
    )


@cache
def adding_owed(needs: Needs, *, with_service: bool) -> Statement[Adding]:
    """Return the statement for a booking that is paid for through us, by when the patient likes."""
    patient = living(with_service=with_service)
    return Statement(_owed(patient, *known(patient, needs), needs=needs), Adding)


@cache
def adding_owed_with_key(needs: Needs, *, with_service: bool) -> Statement[AddingWithKey]:
    """Return the same for a request with an idempotency key."""
    patient = living(with_service=with_service)
    others = (*known(patient, needs), storing_the_key(patient))
    return Statement(_owed(patient, *others, needs=needs), AddingWithKey)


@cache
def adding_to_wait(needs: Needs, *, with_service: bool) -> Statement[AddingToWait]:
    """Return the statement for a booking that waits for money, while a hold keeps its time."""
    patient = living(with_service=with_service)
    return Statement(_waiting(patient, *known(patient, needs)), AddingToWait)


@cache
def adding_to_wait_with_key(needs: Needs, *, with_service: bool) -> Statement[AddingToWaitWithKey]:
    """Return the same for a request with an idempotency key."""
    patient = living(with_service=with_service)
    others = (*known(patient, needs), storing_the_key(patient))
    return Statement(_waiting(patient, *others), AddingToWaitWithKey)
